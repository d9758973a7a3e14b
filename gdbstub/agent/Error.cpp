#include "gdbstub/agent/Error.h"

namespace gdbstub::agent {

std::string_view describe(Error error) {
    switch (error) {
    case Error::NoCode:
        return "The agent expression is empty.";
    case Error::Truncated:
        return "The agent expression ends in the middle.";
    case Error::UnknownOpcode:
        return "The agent expression has an instruction that does not exist.";
    case Error::FloatingPoint:
        return "The agent expression computes with floating-point numbers, which this stub does not.";
    case Error::InvalidOpcode:
        return "The agent expression has the instruction that is reserved as invalid.";
    case Error::BadOperand:
        return "The agent expression extends a number of no bits.";
    case Error::StackOverflow:
        return "The agent expression needs more stack than there is.";
    case Error::StackUnderflow:
        return "The agent expression takes more from its stack than is on it.";
    case Error::NoValue:
        return "The agent expression ends without a value.";
    case Error::DivisionByZero:
        return "The agent expression divides by zero.";
    case Error::JumpOutside:
        return "The agent expression jumps outside of itself.";
    case Error::TooManyInstructions:
        return "The agent expression takes too long.";
    case Error::UnreadableMemory:
        return "The agent expression reads memory that cannot be read.";
    case Error::UnknownRegister:
        return "The agent expression reads a register that is not known here.";
    case Error::UnknownVariable:
        return "The agent expression uses a trace state variable that does not exist.";
    case Error::NoVariables:
        return "There are no trace state variables here.";
    case Error::NoCollection:
        return "Nothing can be collected here.";
    case Error::CollectionFull:
        return "The agent expression collects more than there is room for.";
    case Error::NoPrinting:
        return "Nothing can be printed here.";
    case Error::BadFormat:
        return "The format string is malformed.";
    case Error::WrongArgumentCount:
        return "The format string does not have as many arguments as conversions.";
    case Error::UnsupportedConversion:
        return "The format string has a conversion that the target cannot do.";
    case Error::StringTooLong:
        return "A string to be printed has no end within reach.";
    }
    return "The agent expression failed.";
}

} // namespace gdbstub::agent
