#include "tests/unit/gdbstub/FakeTarget.h"

#include <algorithm>
#include <cstring>

#include "gdbstub/arch/Registers.h"

namespace gdbstub::test {

namespace {

Halt stopped(const StopEvent& event) {
    return {.stop = event, .exit_status = {}};
}

PointKind kind_of(const Point& point) {
    switch (point.type) {
    case Point::Type::Write:
        return PointKind::Write;
    case Point::Type::Read:
        return PointKind::Read;
    case Point::Type::Access:
        return PointKind::Access;
    default:
        return PointKind::Execute;
    }
}

Point::Type type_of(PointKind kind) {
    switch (kind) {
    case PointKind::Write:
        return Point::Type::Write;
    case PointKind::Read:
        return Point::Type::Read;
    case PointKind::Access:
        return Point::Type::Access;
    case PointKind::Execute:
        break;
    }
    return Point::Type::Execute;
}

constexpr int sigill = 4, sigtrap = 5, sigsegv = 11;

} // namespace

FakeTarget::FakeTarget()
    : memory(memory_size) {
    // Sixteen nops and a jump back: a program that never ends.
    std::fill_n(memory.begin(), 16, uint8_t{0x90});
    load(memory_base + 16, {0xeb, 0xee});
    threads = {{1, "main", "running", 0}, {2, "worker", "futex wait", 1}, {0x1f, "<odd> & \"name\"", "sleeping", -1}};
    for (Thread& thread : threads) {
        RegisterFile& file = thread.registers;
        file.rax = 0x1000 + thread.id;
        file.rbp = 0;
        file.rsp = memory_base + 0x8000 + uint64_t{thread.id} * 0x100;
        file.rip = memory_base;
        file.eflags = 0x202;
        file.cs = 0x33;
        file.ss = 0x2b;
        file.fs_base = memory_base + 0x4000;
        file.orig_rax = ~uint64_t{0};
        // As FNINIT and reset leave it.
        file.fxsave[0] = 0x7f;
        file.fxsave[1] = 0x03;
        file.fxsave[24] = 0x80;
        file.fxsave[25] = 0x1f;
    }
    // AT_PAGESZ and AT_NULL.
    const uint64_t auxv[] = {6, 4096, 0, 0};
    m_auxv.resize(sizeof(auxv));
    std::memcpy(m_auxv.data(), auxv, sizeof(auxv));
    m_siginfo.resize(128);
    m_siginfo[0] = sigsegv;
}

void FakeTarget::load(uint64_t address, std::initializer_list<uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), memory.begin() + static_cast<ptrdiff_t>(address - memory_base));
}

FakeTarget::Thread& FakeTarget::thread_by_id(ThreadId id) {
    return *std::find_if(threads.begin(), threads.end(), [id](const Thread& thread) { return thread.id == id; });
}

Halt FakeTarget::run(const ResumePlan& plan, const std::function<void()>& between, unsigned max_rounds) {
    stop_requests = 0;
    for (Thread& thread : threads)
        if (int signal = plan.action_for(thread.id).signal; signal != 0)
            log.push_back("signal " + std::to_string(signal) + " to " + std::to_string(thread.id));
    bool first_round = true;
    while (max_rounds-- > 0) {
        for (Thread& thread : threads) {
            ResumeAction action = plan.action_for(thread.id);
            if (action.kind == ResumeKind::Stay)
                continue;
            bool stepping = action.kind != ResumeKind::Continue;
            Halt halt = step(thread, stepping && first_round);
            if (halt.stop || halt.exit_status)
                return halt;
            if (!stepping || (steps_ranges_itself && action.keeps_stepping(thread.registers.rip)))
                continue;
            return stopped({.reason = StopReason::Step, .thread = thread.id});
        }
        first_round = false;
        if (between)
            between();
        if (stop_requests > 0)
            break;
    }
    return stopped({.reason = StopReason::Requested, .thread = threads.front().id});
}

Halt FakeTarget::step(Thread& thread, bool ignore_breakpoint) {
    RegisterFile& file = thread.registers;
    auto signal = [&](int number) {
        return stopped({.reason = StopReason::Signal, .thread = thread.id, .signal = number});
    };
    auto watched = [&](uint64_t at, bool writes) -> Halt {
        for (const Point& point : inserted_points) {
            PointKind kind = kind_of(point);
            bool fits = kind == PointKind::Access || (writes && kind == PointKind::Write);
            if (fits && at >= point.address && at < point.address + point.kind_or_length)
                return stopped(
                    {.reason = StopReason::Watchpoint, .thread = thread.id, .point = kind, .address = point.address});
        }
        return {};
    };
    if (!is_mapped(file.rip) || !is_mapped(file.rip + 1))
        return signal(sigsegv);
    if (!ignore_breakpoint && !is_passed(thread)) {
        if (inserted_breakpoints.contains(file.rip))
            return stopped({.reason = StopReason::SoftwareBreakpoint, .thread = thread.id});
        for (const Point& point : inserted_points)
            if (kind_of(point) == PointKind::Execute && point.address == file.rip)
                return stopped({.reason = StopReason::HardwareBreakpoint, .thread = thread.id});
    }
    switch (byte_at(file.rip)) {
    case 0x90: // nop
        file.rip += 1;
        return {};
    case 0xcc: // int3
        file.rip += 1;
        return signal(sigtrap);
    case 0xeb: // jmp
        file.rip += 2 + static_cast<uint64_t>(static_cast<int8_t>(byte_at(file.rip + 1)));
        return {};
    case 0xf4: // hlt
        return {.stop = {}, .exit_status = static_cast<uint8_t>(file.rax)};
    case 0x04: // add $imm8, %al
        file.rax = (file.rax & ~uint64_t{0xff}) | ((file.rax + byte_at(file.rip + 1)) & 0xff);
        file.rip += 2;
        return {};
    case 0xaa: // stos %al, (%rdi)
    case 0xac: // lods (%rsi), %al
    {
        bool writes = byte_at(file.rip) == 0xaa;
        uint64_t at = writes ? file.rdi : file.rsi;
        if (!is_mapped(at))
            return signal(sigsegv);
        if (writes)
            byte_at(file.rdi++) = static_cast<uint8_t>(file.rax);
        else
            file.rax = (file.rax & ~uint64_t{0xff}) | byte_at(file.rsi++);
        file.rip += 1;
        return watched(at, writes);
    }
    default:
        return signal(sigill);
    }
}

/// Whether the session lets the thread go on over what is inserted where it is.
bool FakeTarget::is_passed(Thread& thread) {
    FakeContext context(*this, thread.registers);
    return m_judge != nullptr && m_judge->judge_breakpoint(thread.registers.rip, context) == Verdict::GoOn;
}

agent::Result<uint64_t> FakeContext::read_register(uint16_t number) {
    auto value = arch::integer_value(m_registers, number);
    return value ? agent::Result<uint64_t>(*value) : agent::fail(agent::Error::UnknownRegister);
}

bool FakeContext::read_memory(uint64_t address, std::span<uint8_t> out) {
    return m_target.read_memory(address, out) == out.size();
}

void FakeContext::print(std::string_view text) {
    m_target.printed += text;
}

void FakeTarget::for_each_thread(FunctionRef<bool(const ThreadInfo&)> visit) {
    for (const Thread& thread : threads)
        if (!visit({thread.id, thread.name, thread.state, thread.cpu}))
            return;
}

Answer<ThreadInfo> FakeTarget::thread(ThreadId id) {
    for (const Thread& thread : threads)
        if (thread.id == id)
            return ThreadInfo{thread.id, thread.name, thread.state, thread.cpu};
    return refuse(base::Error::NoSuchProcess, "No thread has this number.");
}

Answer<> FakeTarget::read_registers(ThreadId id, RegisterFile& out) {
    if (!thread(id))
        return refuse(base::Error::NoSuchProcess, "No thread has this number.");
    out = thread_by_id(id).registers;
    return {};
}

Answer<> FakeTarget::write_registers(ThreadId id, const RegisterFile& values) {
    if (!thread(id))
        return refuse(base::Error::NoSuchProcess, "No thread has this number.");
    thread_by_id(id).registers = values;
    ++register_writes;
    return {};
}

size_t FakeTarget::read_memory(uint64_t address, std::span<uint8_t> out) {
    size_t done = 0;
    for (; done < out.size() && is_mapped(address + done); ++done)
        out[done] = byte_at(address + done);
    return done;
}

size_t FakeTarget::write_memory(uint64_t address, std::span<const uint8_t> bytes) {
    size_t done = 0;
    for (; done < bytes.size() && is_mapped(address + done) && address + done < read_only_base; ++done)
        byte_at(address + done) = bytes[done];
    return done;
}

Answer<> FakeTarget::insert(uint64_t address, uint64_t) {
    if (refuses_breakpoints || !is_mapped(address))
        return refuse(base::Error::NotPermitted, "A breakpoint cannot be set there.");
    if (!inserted_breakpoints.insert(address).second)
        log.push_back("breakpoint inserted twice");
    return {};
}

Answer<> FakeTarget::remove(uint64_t address, uint64_t) {
    if (inserted_breakpoints.erase(address) == 0)
        log.push_back("unknown breakpoint removed");
    return {};
}

Answer<> FakeTarget::insert(PointKind kind, uint64_t address, uint64_t length) {
    if (inserted_points.size() == 4)
        return refuse(base::Error::NoSpace, "All debug registers are in use.");
    inserted_points.push_back({address, length, type_of(kind)});
    return {};
}

Answer<> FakeTarget::remove(PointKind kind, uint64_t address, uint64_t length) {
    std::erase(inserted_points, Point{address, length, type_of(kind)});
    return {};
}

Answer<> FakeTarget::execute(std::string_view command, MonitorOutput& output) {
    if (command == "help")
        output.put("view app|kernel       which registers a thread in a system call shows\n");
    else if (command.starts_with("view "))
        log.emplace_back(command);
    else if (command == "much")
        for (int i = 0; i < 1000; ++i)
            output.put("line\n");
    else if (command == "refuse")
        return refuse(base::Error::NotPermitted, "This is refused.");
    else
        output.put("No such command; try help.\n");
    return {};
}

Answer<uint64_t> FakeTarget::address(ThreadId thread, uint64_t offset, uint64_t link_map) {
    if (link_map != 0)
        return refuse(base::Error::Invalid, "There are no shared libraries.");
    return arch::static_tls_address(thread_by_id(thread).registers.fs_base, 0x18, 16, offset);
}

Answer<uint32_t> FakeTarget::open(std::string_view path) {
    if (!file_contents.contains(std::string(path)))
        return refuse(base::Error::NoEntry, "There is no such file.");
    open_paths.emplace_back(path);
    return static_cast<uint32_t>(open_paths.size() - 1);
}

Answer<> FakeTarget::close(uint32_t file) {
    if (file >= open_paths.size() || open_paths[file].empty())
        return refuse(base::Error::BadFile, "There is no such open file.");
    open_paths[file].clear();
    return {};
}

Answer<size_t> FakeTarget::read(uint32_t file, uint64_t offset, std::span<uint8_t> out) {
    if (file >= open_paths.size() || open_paths[file].empty())
        return refuse(base::Error::BadFile, "There is no such open file.");
    const std::string& content = file_contents[open_paths[file]];
    size_t start = std::min<uint64_t>(offset, content.size());
    size_t count = std::min(out.size(), content.size() - start);
    std::copy_n(content.begin() + static_cast<ptrdiff_t>(start), count, out.begin());
    return count;
}

Answer<FileStatus> FakeTarget::status(uint32_t file) {
    if (file >= open_paths.size() || open_paths[file].empty())
        return refuse(base::Error::BadFile, "There is no such open file.");
    return status(std::string_view(open_paths[file]));
}

Answer<FileStatus> FakeTarget::status(std::string_view path) {
    auto found = file_contents.find(std::string(path));
    if (found == file_contents.end())
        return refuse(base::Error::NoEntry, "There is no such file.");
    return FileStatus{.device = 1,
                      .inode = 2,
                      .mode = 0100644,
                      .links = 3,
                      .user = 4,
                      .group = 5,
                      .device_number = 6,
                      .size = found->second.size(),
                      .block_size = 4096,
                      .blocks = 8,
                      .accessed = 9,
                      .modified = 10,
                      .changed = 11};
}

Answer<std::string_view> FakeTarget::link_target(std::string_view path) {
    if (path != "/proc/1/exe")
        return refuse(base::Error::Invalid, "This is no symbolic link.");
    return executable_path;
}

Answer<std::span<uint8_t>> FakeTarget::signal_info(ThreadId thread) {
    if (thread != 1)
        return refuse(base::Error::NoData, "This thread did not stop for a signal.");
    return m_siginfo;
}

} // namespace gdbstub::test
