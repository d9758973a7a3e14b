#include "libos/fs/EventFile.h"

#include <new>

namespace fs {

using base::Error;
using base::fail;

base::Result<base::Reference<AnonymousInode>> AnonymousInode::create() {
    auto* inode = new (std::nothrow) AnonymousInode;
    if (!inode)
        return fail(Error::NoMemory);
    return base::Reference<AnonymousInode>::adopt(inode);
}

base::Result<base::Reference<OpenFile>> AnonymousInode::open(base::Reference<Entry>, int) {
    return fail(Error::NoSuchDevice);
}

base::Result<base::Reference<OpenFile>> EventFile::create(uint64_t value, bool is_semaphore, int flags) {
    auto inode = TRY(AnonymousInode::create());
    auto* file = new (std::nothrow) EventFile(inode, value, is_semaphore, flags);
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<OpenFile>::adopt(file);
}

void EventFile::changed() {
    m_activity.fetch_add(1, std::memory_order_relaxed);
    m_waiters.wake_all();
    readiness_changed();
}

base::Result<size_t> EventFile::read(Transfer& to) {
    uint64_t value = 0;
    if (to.remaining() < sizeof(value))
        return fail(Error::Invalid);
    {
        auto state = m_lock.lock();
        base::Result<> result;
        while (result && m_value == 0)
            result = is_nonblocking() ? fail(Error::Again) : m_waiters.wait(m_lock, state);
        if (result) {
            value = m_is_semaphore ? 1 : m_value;
            m_value -= value;
        }
        m_lock.unlock(state);
        if (!result)
            return fail(result.error());
    }
    changed();
    return to.put(std::as_bytes(std::span(&value, 1)));
}

base::Result<size_t> EventFile::write(Transfer& from) {
    uint64_t value = 0;
    if (from.remaining() < sizeof(value))
        return fail(Error::Invalid);
    TRY(from.take(std::as_writable_bytes(std::span(&value, 1))));
    if (value > max_value)
        return fail(Error::Invalid);
    {
        auto state = m_lock.lock();
        base::Result<> result;
        while (result && value > max_value - m_value)
            result = is_nonblocking() ? fail(Error::Again) : m_waiters.wait(m_lock, state);
        if (result)
            m_value += value;
        m_lock.unlock(state);
        if (!result)
            return fail(result.error());
    }
    changed();
    return sizeof(value);
}

uint32_t EventFile::poll() {
    sched::SpinLocker locker(m_lock);
    uint32_t ready = 0;
    if (m_value > 0)
        ready |= abi::pollin | abi::pollrdnorm;
    if (m_value < max_value)
        ready |= abi::pollout | abi::pollwrnorm;
    return ready;
}

} // namespace fs
