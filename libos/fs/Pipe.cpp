#include "libos/fs/Pipe.h"

#include <algorithm>
#include <new>

namespace fs {

using base::Error;
using base::fail;

base::Result<base::Reference<Pipe>> Pipe::create(uint32_t permissions) {
    auto* pipe = new (std::nothrow) Pipe(permissions);
    if (!pipe)
        return fail(Error::NoMemory);
    return base::Reference<Pipe>::adopt(pipe);
}

base::Result<base::Reference<OpenFile>> Pipe::open_end(base::Reference<Entry> entry, int flags) {
    auto* end = new (std::nothrow) PipeEnd(base::Reference<Pipe>::share(this), std::move(entry), flags);
    if (!end)
        return fail(Error::NoMemory);
    return base::Reference<OpenFile>::adopt(end);
}

base::Result<base::Reference<OpenFile>> Pipe::open(base::Reference<Entry> entry, int flags) {
    auto end = TRY(open_end(std::move(entry), flags));
    auto nonblocking = (flags & abi::o_nonblock) != 0;
    auto access = flags & abi::o_accmode;
    auto state = m_pipe_lock.lock();
    base::Result<> result;
    if (access == abi::o_wronly && nonblocking && m_readers == 0)
        result = fail(Error::NoSuchDevice);
    while (result && !nonblocking && m_readers + m_writers > 0 &&
           ((access == abi::o_rdonly && m_writers == 0) || (access == abi::o_wronly && m_readers == 0)))
        result = m_waiters.wait(m_pipe_lock, state);
    m_pipe_lock.unlock(state);
    if (!result)
        return fail(result.error());
    return end;
}

void Pipe::add_ends(int readers, int writers) {
    {
        sched::SpinLocker locker(m_pipe_lock);
        m_readers += readers;
        m_writers += writers;
    }
    changed();
}

void Pipe::changed() {
    m_activity.fetch_add(1, std::memory_order_relaxed);
    m_waiters.wake_all();
    readiness_changed();
}

/// What lies in one frame from `position` on, at most `length` bytes.
std::span<std::byte> Pipe::run_at(uint64_t position, size_t length) {
    auto in_ring = position % capacity;
    auto in_page = in_ring % page_size;
    return m_pages[in_ring / page_size]->bytes().subspan(in_page, std::min<size_t>(page_size - in_page, length));
}

base::Result<size_t> Pipe::read(Transfer& to, bool nonblocking) {
    if (to.done())
        return 0;
    while (true) {
        {
            auto state = m_pipe_lock.lock();
            base::Result<> result;
            while (result && m_written == m_read && m_writers > 0)
                result = nonblocking ? fail(Error::Again) : m_waiters.wait(m_pipe_lock, state);
            auto ended = m_written == m_read;
            m_pipe_lock.unlock(state);
            if (!result)
                return fail(result.error());
            if (ended)
                return 0;
        }
        SleepLocker reader(m_reading);
        uint64_t position = 0;
        size_t available = 0;
        {
            sched::SpinLocker locker(m_pipe_lock);
            position = m_read;
            available = m_written - m_read;
        }
        if (available == 0)
            continue; // another reader was first
        base::Result<> result;
        while (available > 0 && !to.done() && result) {
            auto put = to.put(run_at(position, available));
            if (!put) {
                result = fail(put.error());
                break;
            }
            position += *put;
            available -= *put;
        }
        {
            sched::SpinLocker locker(m_pipe_lock);
            m_read = position;
        }
        changed();
        return bytes_moved(to, result);
    }
}

base::Result<size_t> Pipe::write(Transfer& from, bool nonblocking) {
    base::Result<> result;
    size_t written = 0;
    auto whole = from.remaining() <= atomic_size;
    while (!from.done() && result) {
        {
            auto needed = whole ? from.remaining() : 1;
            auto state = m_pipe_lock.lock();
            while (result && m_readers > 0 && capacity - (m_written - m_read) < needed)
                result = nonblocking ? fail(Error::Again) : m_waiters.wait(m_pipe_lock, state);
            if (m_readers == 0)
                result = fail(Error::BrokenPipe);
            m_pipe_lock.unlock(state);
        }
        if (!result)
            break;
        SleepLocker writer(m_writing);
        uint64_t position = 0;
        size_t room = 0;
        {
            sched::SpinLocker locker(m_pipe_lock);
            position = m_written;
            room = capacity - (m_written - m_read);
        }
        if (whole && room < from.remaining())
            continue; // another writer was first
        while (room > 0 && !from.done() && result) {
            auto& page = m_pages[position % capacity / page_size];
            if (!page) {
                auto made = Page::create();
                if (!made) {
                    result = fail(made.error());
                    break;
                }
                page = *made;
            }
            auto taken = from.take(run_at(position, room));
            if (!taken) {
                result = fail(taken.error());
                break;
            }
            position += *taken;
            room -= *taken;
            written += *taken;
        }
        {
            sched::SpinLocker locker(m_pipe_lock);
            m_written = position;
        }
        changed();
    }
    if (!result && written == 0)
        return fail(result.error());
    return written;
}

uint32_t Pipe::poll(bool for_reading, bool for_writing) {
    sched::SpinLocker locker(m_pipe_lock);
    uint32_t ready = 0;
    if (for_reading) {
        if (m_written != m_read)
            ready |= abi::pollin | abi::pollrdnorm;
        if (m_writers == 0)
            ready |= abi::pollhup;
    }
    if (for_writing) {
        if (capacity - (m_written - m_read) >= atomic_size)
            ready |= abi::pollout | abi::pollwrnorm;
        if (m_readers == 0)
            ready |= abi::pollerr;
    }
    return ready;
}

size_t Pipe::readable_bytes() {
    sched::SpinLocker locker(m_pipe_lock);
    return m_written - m_read;
}

PipeEnd::PipeEnd(base::Reference<Pipe> pipe, base::Reference<Entry> entry, int flags)
    : OpenFile(base::Reference<Inode>(pipe), std::move(entry), flags)
    , m_pipe(*pipe)
    , m_reads(is_readable())
    , m_writes(is_writable()) {
    m_pipe.add_ends(m_reads ? 1 : 0, m_writes ? 1 : 0);
}

PipeEnd::~PipeEnd() {
    m_pipe.add_ends(m_reads ? -1 : 0, m_writes ? -1 : 0);
}

base::Result<uint64_t> PipeEnd::ioctl(uint32_t request, uint64_t argument) {
    if (request != abi::fionread)
        return fail(Error::NotTerminal);
    TRY(memory::write_user(argument, static_cast<int32_t>(m_pipe.readable_bytes())));
    return 0;
}

} // namespace fs
