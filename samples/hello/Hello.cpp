// The same as Hello.c in C++: streams, containers and an exception that is caught on its way to the exit status.
//
//   hello_cpp [--status N] [WORD ...]      GREETING=Servus hello_cpp

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

int parse_status(const std::string& text) {
    size_t used = 0;
    int status = -1;
    try {
        status = std::stoi(text, &used);
    } catch (const std::logic_error&) {
        throw UsageError("not a number: " + text);
    }
    if (used != text.size() || status < 0 || status > 255)
        throw UsageError("not a status from 0 to 255: " + text);
    return status;
}

int say_hello(std::vector<std::string> words) {
    int status = 0;
    if (!words.empty() && words[0] == "--status") {
        if (words.size() < 2)
            throw UsageError("--status needs a number");
        status = parse_status(words[1]);
        words.erase(words.begin(), words.begin() + 2);
    }

    const char* greeting = std::getenv("GREETING");
    std::cout << (greeting ? greeting : "Hello") << " from C++!\n";
    for (size_t i = 0; i < words.size(); ++i)
        std::cout << "word " << i + 1 << ": " << words[i] << '\n';
    std::cout << "leaving with status " << status << '\n';
    return status;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return say_hello({argv + (argc > 0 ? 1 : 0), argv + argc});
    } catch (const UsageError& error) {
        std::cerr << error.what() << "\nusage: hello_cpp [--status N] [WORD ...]\n";
        return 2;
    }
}
