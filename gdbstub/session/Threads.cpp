// H, T, qC, qfThreadInfo, qsThreadInfo, qThreadExtraInfo, qGetTLSAddr: GDB manual, "Packets" and "General Query
// Packets".

#include "gdbstub/Session.h"

namespace gdbstub {

namespace {
constexpr Refusal no_such_thread{base::Error::NoSuchProcess, "There is no such thread."};
} // namespace

/// `wanted` if gdb sees such a thread, else the first that it sees.
ThreadId Session::visible_thread(ThreadId wanted) const {
    if (wanted != 0 && machine().thread(wanted))
        return wanted;
    ThreadId first = wanted;
    machine().for_each_thread([&](const ThreadInfo& thread) {
        first = thread.id;
        return false;
    });
    return first;
}

Answer<ThreadId> Session::resolve(const ThreadSelector& selector) const {
    if (selector.kind != ThreadSelector::Kind::One)
        return m_event.thread;
    if (!machine().thread(selector.id))
        return std::unexpected(no_such_thread);
    return selector.id;
}

/// The thread that Hg chose for registers and memory.
ThreadId Session::general_thread() const {
    return m_client.general.kind == ThreadSelector::Kind::One ? m_client.general.id : m_event.thread;
}

/// Its name in a reply: GDB manual, "Packets", "thread-id syntax".
void Session::put_thread(ThreadId thread) {
    if (m_client.knows_processes)
        m_reply.put('p').number(process_id).put('.');
    m_reply.number(thread);
}

Session::Handled Session::handle(const SelectThread& command) {
    if (auto thread = resolve(command.thread); !thread)
        return std::unexpected(thread.error());
    if (command.operation_untrusted == 'g')
        m_client.general = command.thread;
    else if (command.operation_untrusted == 'c')
        m_client.resumed = command.thread;
    else
        return Next::Unsupported;
    m_reply.put("OK");
    return Next::Reply;
}

Session::Handled Session::handle(const QueryThreadAlive& command) {
    if (auto thread = resolve(command.thread); !thread)
        return std::unexpected(thread.error());
    m_reply.put("OK");
    return Next::Reply;
}

Session::Handled Session::handle(const QueryCurrentThread&) {
    m_reply.put("QC");
    put_thread(m_event.thread);
    return Next::Reply;
}

Session::Handled Session::handle(const ListThreads& command) {
    if (command.first)
        m_client.threads_listed = 0;
    size_t index = 0;
    size_t told = 0;
    machine().for_each_thread([&](const ThreadInfo& thread) {
        constexpr size_t longest = sizeof(",p1.") + 2 * sizeof(ThreadId);
        if (index++ < m_client.threads_listed)
            return true;
        if (m_reply.room() < longest)
            return false;
        m_reply.put(told++ == 0 ? 'm' : ',');
        put_thread(thread.id);
        return true;
    });
    m_client.threads_listed += told;
    if (told == 0)
        m_reply.put('l');
    return Next::Reply;
}

Session::Handled Session::handle(const QueryThreadText& command) {
    auto id = resolve(command.thread);
    if (!id)
        return std::unexpected(id.error());
    auto thread = machine().thread(*id);
    if (!thread)
        return std::unexpected(thread.error());
    auto put_text = [this](std::string_view text) {
        for (char c : text)
            if (m_reply.room() >= 2)
                m_reply.hex_byte(static_cast<uint8_t>(c));
    };
    put_text(thread->name);
    if (!thread->name.empty() && !thread->state.empty())
        put_text(": ");
    put_text(thread->state);
    return Next::Reply;
}

Session::Handled Session::handle(const QueryThreadLocal& command) {
    ThreadLocalStorage* storage = machine().thread_local_storage();
    if (storage == nullptr)
        return Next::Unsupported;
    auto thread = resolve(command.thread);
    if (!thread)
        return std::unexpected(thread.error());
    auto address = storage->address(*thread, command.offset, command.link_map);
    if (!address)
        return std::unexpected(address.error());
    m_reply.number(*address);
    return Next::Reply;
}

} // namespace gdbstub
