#include "libos/fs/Inode.h"

#include "libos/fs/FileLocks.h"
#include "libos/fs/FileSystem.h"

#include <new>

namespace fs {

namespace {
constinit std::atomic<uint64_t> g_next_number{1};
}

Inode::Inode(FileType type, uint32_t permissions)
    : m_type(type)
    , m_number(g_next_number.fetch_add(1, std::memory_order_relaxed)) {
    auto now = services().clock.realtime_nanoseconds();
    m_attributes.number = m_number;
    m_attributes.type = type;
    m_attributes.permissions = permissions & 07777;
    m_attributes.times = {now, now, now, now};
}

Inode::~Inode() {
    delete m_locks.load(std::memory_order_relaxed);
}

Attributes Inode::attributes() const {
    sched::SpinLocker locker(m_lock);
    return m_attributes;
}

base::Result<base::Reference<Page>> Inode::page(uint64_t, bool) {
    return base::fail(base::Error::NoSuchDevice);
}

base::Result<> Inode::resize(uint64_t) {
    return base::fail(base::Error::Invalid);
}

base::Result<std::string_view> Inode::link_target() const {
    return base::fail(base::Error::Invalid);
}

void Inode::set_permissions(uint32_t permissions) {
    auto now = services().clock.realtime_nanoseconds();
    sched::SpinLocker locker(m_lock);
    m_attributes.permissions = permissions & 07777;
    m_attributes.times.change = now;
}

void Inode::set_owner(uint32_t user, uint32_t group) {
    auto now = services().clock.realtime_nanoseconds();
    sched::SpinLocker locker(m_lock);
    if (user != UINT32_MAX)
        m_attributes.user = user;
    if (group != UINT32_MAX)
        m_attributes.group = group;
    m_attributes.times.change = now;
}

void Inode::set_times(int64_t access, int64_t modification) {
    auto now = services().clock.realtime_nanoseconds();
    sched::SpinLocker locker(m_lock);
    m_attributes.times.access = access;
    m_attributes.times.modification = modification;
    m_attributes.times.change = now;
}

void Inode::touch_accessed() {
    // As Linux' relatime: only when the file changed since, or once a day.
    constexpr int64_t day = 86'400'000'000'000;
    auto now = services().clock.realtime_nanoseconds();
    sched::SpinLocker locker(m_lock);
    auto& times = m_attributes.times;
    if (times.access <= times.modification || times.access <= times.change || now - times.access > day)
        times.access = now;
}

void Inode::touch_modified() {
    auto now = services().clock.realtime_nanoseconds();
    sched::SpinLocker locker(m_lock);
    m_attributes.times.modification = now;
    m_attributes.times.change = now;
}

void Inode::touch_changed() {
    auto now = services().clock.realtime_nanoseconds();
    sched::SpinLocker locker(m_lock);
    m_attributes.times.change = now;
}

void Inode::add_links(int count) {
    auto now = services().clock.realtime_nanoseconds();
    sched::SpinLocker locker(m_lock);
    m_attributes.links += static_cast<uint64_t>(static_cast<int64_t>(count));
    m_attributes.times.change = now;
}

base::Result<FileLocks*> Inode::locks() {
    if (auto* locks = locks_if_any())
        return locks;
    auto* made = new (std::nothrow) FileLocks;
    if (!made)
        return base::fail(base::Error::NoMemory);
    FileLocks* before = nullptr;
    // acq_rel: whoever sees the pointer sees the object; the loser sees the winner's.
    if (m_locks.compare_exchange_strong(before, made, std::memory_order_acq_rel))
        return made;
    delete made;
    return before;
}

} // namespace fs
