// gdbstub.h over Session.
#include <cstring>
#include <memory>
#include <new>

#include "gdbstub/Session.h"
#include "gdbstub/gdbstub.h"
#include "libos/base/Assert.h"

namespace gdbstub {

namespace {

static_assert(static_cast<int>(PointKind::Access) == gdbstub_access);
static_assert(static_cast<int>(Outcome::Kill) == gdbstub_kill);
static_assert(static_cast<int>(ResumeKind::Stay) == gdbstub_stay);
static_assert(static_cast<int>(StopReason::Watchpoint) == gdbstub_watchpoint);

Answer<> answer_of(int error) {
    if (error != 0)
        return refuse(static_cast<base::Error>(error));
    return {};
}

std::string_view text_of(const char* text) {
    size_t length = 0; // no strlen, which a kernel may not have
    while (text != nullptr && text[length] != 0)
        ++length;
    return {text, length};
}

/// A kernel in C as the seams of one in C++.
class Kernel final : public Target, public Transport, public Breakpoints, public HardwarePoints, public Monitor {
public:
    explicit Kernel(const gdbstub_kernel& kernel)
        : m_kernel(kernel) {}

    void request_stop() override { m_kernel.request_stop(m_kernel.context); }

    void for_each_thread(FunctionRef<bool(const ThreadInfo&)> visit) override {
        gdbstub_thread thread{};
        for (size_t i = 0; m_kernel.thread(m_kernel.context, i, &thread); ++i)
            if (!visit(info_of(thread)))
                return;
    }
    Answer<ThreadInfo> thread(ThreadId id) override {
        gdbstub_thread thread{};
        for (size_t i = 0; m_kernel.thread(m_kernel.context, i, &thread); ++i)
            if (thread.id == id)
                return info_of(thread);
        return refuse(base::Error::NoSuchProcess, "There is no such thread.");
    }

    Answer<> read_registers(ThreadId thread, RegisterFile& out) override {
        out.orig_rax = ~uint64_t{0};
        return answer_of(m_kernel.read_registers(m_kernel.context, thread, &out));
    }
    Answer<> write_registers(ThreadId thread, const RegisterFile& values) override {
        return answer_of(m_kernel.write_registers(m_kernel.context, thread, &values));
    }

    size_t read_memory(uint64_t address, std::span<uint8_t> out) override {
        return m_kernel.read_memory(m_kernel.context, address, out.data(), out.size());
    }
    size_t write_memory(uint64_t address, std::span<const uint8_t> bytes) override {
        return m_kernel.write_memory(m_kernel.context, address, bytes.data(), bytes.size());
    }

    bool kill_allowed() const override { return m_kernel.kill_allowed; }
    Breakpoints* breakpoints() override { return m_kernel.insert_breakpoint != nullptr ? this : nullptr; }
    HardwarePoints* hardware_points() override { return m_kernel.insert_hardware_point != nullptr ? this : nullptr; }
    Monitor* monitor() override { return m_kernel.monitor != nullptr ? this : nullptr; }

    Answer<> insert(uint64_t address, uint64_t) override {
        return answer_of(m_kernel.insert_breakpoint(m_kernel.context, address));
    }
    Answer<> remove(uint64_t address, uint64_t) override {
        return answer_of(m_kernel.remove_breakpoint(m_kernel.context, address));
    }

    bool supports(PointKind) const override { return true; }
    Answer<> insert(PointKind kind, uint64_t address, uint64_t length) override {
        return answer_of(
            m_kernel.insert_hardware_point(m_kernel.context, static_cast<gdbstub_point>(kind), address, length));
    }
    Answer<> remove(PointKind kind, uint64_t address, uint64_t length) override {
        return answer_of(
            m_kernel.remove_hardware_point(m_kernel.context, static_cast<gdbstub_point>(kind), address, length));
    }

    Answer<> execute(std::string_view command, MonitorOutput& output) override {
        auto print = [](void* to, const char* text, size_t length) {
            static_cast<MonitorOutput*>(to)->put({text, length});
        };
        m_kernel.monitor(m_kernel.context, command.data(), command.size(), print, &output);
        return {};
    }

    base::Result<size_t> read(std::span<uint8_t> out) override {
        ptrdiff_t count = m_kernel.receive(m_kernel.context, out.data(), out.size());
        if (count < 0)
            return base::fail(base::Error::BrokenPipe);
        return static_cast<size_t>(count);
    }
    base::Result<> write(std::span<const uint8_t> bytes) override {
        if (!m_kernel.send(m_kernel.context, bytes.data(), bytes.size()))
            return base::fail(base::Error::BrokenPipe);
        return {};
    }
    void idle() override {
        if (m_kernel.idle != nullptr)
            m_kernel.idle(m_kernel.context);
    }

private:
    static ThreadInfo info_of(const gdbstub_thread& thread) {
        return {.id = thread.id, .name = text_of(thread.name), .state = text_of(thread.state), .cpu = thread.cpu};
    }

    const gdbstub_kernel& m_kernel;
};

constexpr size_t buffer_size = 4096;
constexpr size_t point_count = 128;

} // namespace

} // namespace gdbstub

/// All that a stub needs, in one piece of the kernel's memory.
struct gdbstub_session {
    explicit gdbstub_session(const gdbstub_kernel& description)
        : kernel(description)
        , session(kernel, kernel, {.receive = receive, .reply = reply, .points = points}) {}

    gdbstub::Kernel kernel;
    uint8_t receive[gdbstub::buffer_size];
    uint8_t reply[gdbstub::buffer_size];
    gdbstub::PointRecord points[gdbstub::point_count]{};
    gdbstub::Session session;
    const gdbstub::ResumePlan* plan = nullptr;
};
static_assert(sizeof(gdbstub_session) <= 48 * 1024 - alignof(gdbstub_session), "gdbstub.h says how much is enough");

gdbstub_session* gdbstub_create(void* memory, size_t size, const gdbstub_kernel* kernel) {
    if (std::align(alignof(gdbstub_session), sizeof(gdbstub_session), memory, size) == nullptr)
        return nullptr;
    return new (memory) gdbstub_session(*kernel);
}

void gdbstub_feed(gdbstub_session* session, const void* bytes, size_t size) {
    session->session.feed({static_cast<const uint8_t*>(bytes), size});
}

gdbstub_outcome gdbstub_run_stopped(gdbstub_session* session, const gdbstub_event* event) {
    session->plan = &session->session.run_stopped({.reason = static_cast<gdbstub::StopReason>(event->reason),
                                                   .thread = event->thread,
                                                   .signal = event->signal,
                                                   .point = static_cast<gdbstub::PointKind>(event->point),
                                                   .address = event->address});
    return static_cast<gdbstub_outcome>(session->plan->outcome);
}

gdbstub_action gdbstub_action_for(const gdbstub_session* session, uint32_t thread) {
    // Before the first stop, and when nobody is there: all go on.
    if (session->plan == nullptr || session->plan->outcome != gdbstub::Outcome::Resume)
        return {.kind = gdbstub_continue, .signal = 0, .range_begin = 0, .range_end = 0};
    auto action = session->plan->action_for(thread);
    return {.kind = static_cast<gdbstub_resume_kind>(action.kind),
            .signal = action.signal,
            .range_begin = action.range_begin,
            .range_end = action.range_end};
}

bool gdbstub_attached(const gdbstub_session* session) {
    return session->session.attached();
}

void gdbstub_report_exit(gdbstub_session* session, uint8_t status) {
    session->session.report_exit(status);
}

void gdbstub_report_termination(gdbstub_session* session, int signal) {
    session->session.report_termination(signal);
}

void base::assertion_failed(const char* expression, const char* file, int line) {
    gdbstub_assertion_failed(expression, file, line);
    __builtin_trap();
}
