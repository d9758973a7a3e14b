#include "tracer/symbols/CfiTable.h"

#include <fmt/format.h>
#include <llvm/DebugInfo/DWARF/DWARFContext.h>
#include <llvm/DebugInfo/DWARF/DWARFDebugFrame.h>
#include <llvm/Object/ObjectFile.h>

#include <algorithm>

namespace tracer {

namespace {

struct Range {
    uint64_t begin;
    uint64_t end;
    const llvm::dwarf::FDE* fde;
};

/// Whether the value is in memory at what the location yields. LLVM 19 keeps that to itself, but compares it.
bool is_in_memory(const llvm::dwarf::UnwindLocation& location) {
    using llvm::dwarf::UnwindLocation;
    switch (location.getLocation()) {
    case UnwindLocation::CFAPlusOffset:
        return location == UnwindLocation::createAtCFAPlusOffset(location.getOffset());
    case UnwindLocation::RegPlusOffset:
        return location == UnwindLocation::createAtRegisterPlusOffset(location.getRegister(), location.getOffset());
    case UnwindLocation::DWARFExpr: {
        auto expression = location.getDWARFExpressionBytes();
        return expression && location == UnwindLocation::createAtDWARFExpression(*expression);
    }
    default:
        return false;
    }
}

CfiRule to_rule(const llvm::dwarf::UnwindLocation& location) {
    using llvm::dwarf::UnwindLocation;
    CfiRule rule;
    rule.in_memory = is_in_memory(location);
    switch (location.getLocation()) {
    case UnwindLocation::Unspecified:
    case UnwindLocation::Same:
        rule.kind = CfiRule::Kind::Same;
        break;
    case UnwindLocation::Undefined:
        rule.kind = CfiRule::Kind::Undefined;
        break;
    case UnwindLocation::CFAPlusOffset:
        rule.kind = CfiRule::Kind::CfaOffset;
        rule.offset = location.getOffset();
        break;
    case UnwindLocation::RegPlusOffset:
        rule.kind = CfiRule::Kind::Register;
        rule.register_number = location.getRegister();
        rule.offset = location.getOffset();
        break;
    case UnwindLocation::DWARFExpr:
        rule.kind = CfiRule::Kind::Expression;
        if (auto expression = location.getDWARFExpressionBytes()) {
            auto bytes = expression->getData();
            rule.expression.assign(bytes.bytes_begin(), bytes.bytes_end());
        }
        break;
    case UnwindLocation::Constant:
        rule.kind = CfiRule::Kind::Constant;
        rule.offset = location.getConstant();
        break;
    }
    return rule;
}

} // namespace

struct CfiTable::State {
    llvm::object::OwningBinary<llvm::object::ObjectFile> object;
    std::unique_ptr<llvm::DWARFContext> context;
    std::vector<Range> ranges; ///< by begin

    const Range* find(uint64_t pc) const {
        auto after = std::ranges::upper_bound(ranges, pc, {}, &Range::begin);
        return after == ranges.begin() || pc >= (after - 1)->end ? nullptr : &*(after - 1);
    }

    void add(llvm::Expected<const llvm::DWARFDebugFrame*> table) {
        if (!table) {
            llvm::consumeError(table.takeError());
            return;
        }
        for (const auto& entry : **table) {
            const auto* fde = llvm::dyn_cast<llvm::dwarf::FDE>(&entry);
            if (fde && fde->getAddressRange() != 0 && fde->getLinkedCIE())
                ranges.push_back({fde->getInitialLocation(), fde->getInitialLocation() + fde->getAddressRange(), fde});
        }
    }
};

CfiTable::CfiTable(std::unique_ptr<State> state)
    : m_state(std::move(state)) {}
CfiTable::CfiTable(CfiTable&&) noexcept = default;
CfiTable& CfiTable::operator=(CfiTable&&) noexcept = default;
CfiTable::~CfiTable() = default;

Result<CfiTable> CfiTable::open(const std::filesystem::path& path) {
    auto state = std::make_unique<State>();
    auto object = llvm::object::ObjectFile::createObjectFile(path.string());
    if (!object)
        return fail(fmt::format("cannot read {}: {}", path.string(), llvm::toString(object.takeError())));
    state->object = std::move(*object);
    state->context = llvm::DWARFContext::create(
        *state->object.getBinary(), llvm::DWARFContext::ProcessDebugRelocations::Ignore, nullptr, "",
        [](llvm::Error error) { llvm::consumeError(std::move(error)); },
        [](llvm::Error error) { llvm::consumeError(std::move(error)); });
    // .debug_frame comes second: where both know an address, the stable sort leaves the app's .eh_frame in front.
    state->add(state->context->getEHFrame());
    state->add(state->context->getDebugFrame());
    std::ranges::stable_sort(state->ranges, {}, &Range::begin);
    return CfiTable(std::move(state));
}

std::optional<uint64_t> CfiTable::function_begin(uint64_t pc) const {
    const Range* range = m_state->find(pc);
    return range ? std::optional(range->begin) : std::nullopt;
}

std::optional<CfiRow> CfiTable::find(uint64_t pc) const {
    const Range* range = m_state->find(pc);
    if (!range)
        return std::nullopt;
    const auto* fde = range->fde;
    auto table = llvm::dwarf::UnwindTable::create(fde);
    if (!table) {
        llvm::consumeError(table.takeError());
        return std::nullopt;
    }
    const llvm::dwarf::UnwindRow* found = nullptr;
    for (const auto& row : *table)
        if (row.hasAddress() && row.getAddress() <= pc)
            found = &row;
    if (!found)
        return std::nullopt;
    CfiRow result;
    result.cfa = to_rule(found->getCFAValue());
    for (uint32_t number = 0; number < result.registers.size(); ++number)
        if (auto location = found->getRegisterLocations().getRegisterLocation(number))
            result.registers[number] = to_rule(*location);
    result.is_signal_frame = fde->getLinkedCIE()->getAugmentationString().contains('S');
    return result;
}

} // namespace tracer
