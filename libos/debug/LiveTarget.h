#pragma once
// LiveTarget: this kernel for a client that reads while it runs and may not stop it. In a thread that may take locks.
//
// What changes meanwhile is read as it is at that moment: two reads need not fit together. A page that was never
// touched reads as zeros and stays so. Registers are those of threads that wait, where they left the app; a thread that
// runs has none to be shown. Kernel threads are not listed.

#include "gdbstub/Target.h"

namespace sched {
class Thread;
}

namespace debug {

class LiveTarget final : public gdbstub::Target, public gdbstub::ThreadLocalStorage {
public:
    /// `stopped` answers what is no matter of time: the auxiliary vector, the executable's name.
    constexpr explicit LiveTarget(gdbstub::Target& stopped)
        : m_stopped(stopped) {}

    void request_stop() override {}
    void for_each_thread(gdbstub::FunctionRef<bool(const gdbstub::ThreadInfo&)> visit) override;
    gdbstub::Answer<gdbstub::ThreadInfo> thread(gdbstub::ThreadId id) override;
    gdbstub::Answer<> read_registers(gdbstub::ThreadId id, gdbstub::RegisterFile& out) override;
    gdbstub::Answer<> write_registers(gdbstub::ThreadId id, const gdbstub::RegisterFile& values) override;
    bool has(gdbstub::OptionalRegisters group) const override { return m_stopped.has(group); }
    size_t read_memory(uint64_t address, std::span<uint8_t> out) override;
    size_t write_memory(uint64_t, std::span<const uint8_t>) override { return 0; }
    gdbstub::ThreadLocalStorage* thread_local_storage() override { return this; }
    gdbstub::ProcessImage* process_image() override { return m_stopped.process_image(); }

    // gdbstub::ThreadLocalStorage
    gdbstub::Answer<uint64_t> address(gdbstub::ThreadId thread, uint64_t offset, uint64_t link_map) override;

private:
    gdbstub::Target& m_stopped;
};

} // namespace debug
