#pragma once
// A little machine behind the stub's seam: some memory, a few threads, and a processor that knows eight instructions.
// Unit tests, the fuzz target and the program that a real gdb attaches to all use it.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gdbstub/Session.h"

namespace gdbstub::test {

class FakeTarget;

/// What agent expressions see of a thread.
class FakeContext final : public agent::Context, agent::Printer {
public:
    FakeContext(FakeTarget& target, const RegisterFile& registers)
        : m_target(target)
        , m_registers(registers) {}

    agent::Result<uint64_t> read_register(uint16_t number) override;
    bool read_memory(uint64_t address, std::span<uint8_t> out) override;
    agent::Printer* printer() override { return this; }

private:
    void print(std::string_view text) override;

    FakeTarget& m_target;
    const RegisterFile& m_registers;
};

/// How a run of the machine ended.
struct Halt {
    std::optional<StopEvent> stop;
    /// Set instead if the program executed hlt: its exit status, from al.
    std::optional<uint8_t> exit_status;
};

class FakeTarget final : public Target,
                         Breakpoints,
                         HardwarePoints,
                         Monitor,
                         ThreadLocalStorage,
                         ProcessImage,
                         SignalInfo,
                         Files,
                         Audit {
public:
    static constexpr uint64_t memory_base = 0x10000;
    static constexpr size_t memory_size = 0x10000;
    /// The last page can be read but not written.
    static constexpr uint64_t read_only_base = memory_base + memory_size - 0x1000;

    struct Thread {
        ThreadId id;
        std::string name;
        std::string state;
        int cpu;
        RegisterFile registers{};
    };

    FakeTarget();

    void load(uint64_t address, std::initializer_list<uint8_t> bytes);
    Thread& thread_by_id(ThreadId id);

    /// Runs as the plan says, one instruction of each thread in turn, until something happens or a stop was requested.
    /// Calls `between` after each round; at most `max_rounds`, then as if a stop had been requested.
    Halt run(const ResumePlan& plan, const std::function<void()>& between = {}, unsigned max_rounds = 1'000'000);

    /// The machine passes breakpoints as this session judges.
    void judge_by(Session& session) { m_judge = &session; }

    // What a test may set or look at.
    std::vector<uint8_t> memory;
    std::vector<Thread> threads;
    std::set<uint64_t> inserted_breakpoints;
    std::vector<Point> inserted_points;
    std::vector<std::string> log;
    /// By breakpoints' commands.
    std::string printed;
    unsigned stop_requests = 0;
    bool offers_optional_parts = true;
    bool has_avx = true;
    bool may_kill = false;
    std::string executable_path = "/tmp/fake";
    bool refuses_breakpoints = false;
    bool steps_ranges_itself = false;
    bool offers_live = false;
    unsigned service_requests = 0;
    unsigned register_writes = 0;
    std::vector<std::string> audited;
    std::map<std::string, std::string> file_contents{{"/etc/motd", "hello}$#*\n"}, {"/empty", ""}};
    /// By number; a closed one is empty.
    std::vector<std::string> open_paths;

    // Target
    void request_stop() override { ++stop_requests; }
    void request_service() override { ++service_requests; }
    Target* live() override { return offers_live ? this : nullptr; }
    Audit* audit() override { return this; }
    void for_each_thread(FunctionRef<bool(const ThreadInfo&)> visit) override;
    Answer<ThreadInfo> thread(ThreadId id) override;
    Answer<> read_registers(ThreadId thread, RegisterFile& out) override;
    Answer<> write_registers(ThreadId thread, const RegisterFile& values) override;
    bool has(OptionalRegisters) const override { return has_avx; }
    size_t read_memory(uint64_t address, std::span<uint8_t> out) override;
    size_t write_memory(uint64_t address, std::span<const uint8_t> bytes) override;
    bool passes_breakpoints() const override { return m_judge != nullptr; }
    bool reports_system_calls() const override { return offers_optional_parts; }
    bool kill_allowed() const override { return may_kill; }
    Breakpoints* breakpoints() override { return offers_optional_parts ? this : nullptr; }
    HardwarePoints* hardware_points() override { return offers_optional_parts ? this : nullptr; }
    Monitor* monitor() override { return offers_optional_parts ? this : nullptr; }
    ThreadLocalStorage* thread_local_storage() override { return offers_optional_parts ? this : nullptr; }
    ProcessImage* process_image() override { return offers_optional_parts ? this : nullptr; }
    SignalInfo* signal_info() override { return offers_optional_parts ? this : nullptr; }
    Files* files() override { return offers_optional_parts ? this : nullptr; }

private:
    // Audit
    void client_attached(Access access) override { audited.push_back("attached " + name_of(access)); }
    void client_left(Access access) override { audited.push_back("left " + name_of(access)); }
    void refused(std::string_view what, Access access) override {
        audited.push_back("refused " + name_of(access) + " " + std::string(what));
    }
    void memory_written(uint64_t address, uint64_t length) override {
        audited.push_back("wrote " + std::to_string(address) + " " + std::to_string(length));
    }
    void registers_written(ThreadId thread) override { audited.push_back("registers " + std::to_string(thread)); }
    void point_changed(bool inserted, unsigned type, uint64_t address) override {
        audited.push_back((inserted ? "Z" : "z") + std::to_string(type) + " " + std::to_string(address));
    }
    void monitor_command(std::string_view command) override { audited.push_back("monitor " + std::string(command)); }
    static std::string name_of(Access access) {
        return access == Access::Control ? "control" : access == Access::Observe ? "observe" : "nothing";
    }

    Answer<> insert(uint64_t address, uint64_t kind) override;
    Answer<> remove(uint64_t address, uint64_t kind) override;
    bool supports(PointKind kind) const override { return kind != PointKind::Read; }
    Answer<> insert(PointKind kind, uint64_t address, uint64_t length) override;
    Answer<> remove(PointKind kind, uint64_t address, uint64_t length) override;
    Answer<> execute(std::string_view command, MonitorOutput& output) override;
    Answer<uint64_t> address(ThreadId thread, uint64_t offset, uint64_t link_map) override;
    std::span<const uint8_t> auxiliary_vector() override { return m_auxv; }
    std::string_view executable() override { return executable_path; }
    Answer<std::span<uint8_t>> signal_info(ThreadId thread) override;
    Answer<uint32_t> open(std::string_view path) override;
    Answer<> close(uint32_t file) override;
    Answer<size_t> read(uint32_t file, uint64_t offset, std::span<uint8_t> out) override;
    Answer<FileStatus> status(uint32_t file) override;
    Answer<FileStatus> status(std::string_view path) override;
    Answer<std::string_view> link_target(std::string_view path) override;
    void close_all() override { open_paths.clear(); }

    bool is_mapped(uint64_t address) const { return address >= memory_base && address < memory_base + memory_size; }
    uint8_t& byte_at(uint64_t address) { return memory[address - memory_base]; }
    /// One instruction; what it stops with, if anything.
    Halt step(Thread& thread, bool ignore_breakpoint);

    bool is_passed(Thread& thread);

    Session* m_judge = nullptr;
    std::vector<uint8_t> m_auxv;
    std::vector<uint8_t> m_siginfo;
};

} // namespace gdbstub::test
