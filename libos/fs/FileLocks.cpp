#include "libos/fs/FileLocks.h"

#include <algorithm>
#include <new>
#include <utility>

namespace fs {

struct FileLocks::Node {
    FileLock lock;
    Node* next = nullptr;
};

FileLocks::~FileLocks() {
    for (auto* list : {m_ranges, m_wholes}) {
        while (list) {
            auto* next = list->next;
            delete list;
            list = next;
        }
    }
}

FileLocks::Node* FileLocks::conflict_in(Node* list, const FileLock& lock) {
    if (lock.type == LockType::None)
        return nullptr;
    for (auto* node = list; node; node = node->next) {
        const auto& other = node->lock;
        if (other.owner != lock.owner && other.first <= lock.last && lock.first <= other.last &&
            (other.type == LockType::Exclusive || lock.type == LockType::Exclusive))
            return node;
    }
    return nullptr;
}

/// Gives the owner exactly `lock` on its range: cuts what the owner has there, joins what is alike and touches.
/// Uses up the spare nodes as needed; nodes that fall out are left in them or deleted.
void FileLocks::apply(Node*& list, const FileLock& lock, Node*& spare, Node*& spare_for_split) {
    // The order is Linux', which F_GETLK shows: an owner's locks are together, by their start; new owners come last.
    auto** group = &list;
    while (*group && (*group)->lock.owner != lock.owner)
        group = &(*group)->next;
    auto joined = lock;
    for (auto** place = group; *place && (*place)->lock.owner == lock.owner;) {
        auto* node = *place;
        auto& own = node->lock;
        auto touches = own.first <= (lock.last == UINT64_MAX ? lock.last : lock.last + 1) &&
                       lock.first <= (own.last == UINT64_MAX ? own.last : own.last + 1);
        auto overlaps = own.first <= lock.last && lock.first <= own.last;
        if (!touches || (!overlaps && own.type != lock.type)) {
            place = &node->next;
            continue;
        }
        if (own.type == lock.type) {
            joined.first = std::min(joined.first, own.first);
            joined.last = std::max(joined.last, own.last);
        } else if (own.first < lock.first) {
            if (own.last > lock.last) { // the new one lies inside: the rest becomes a lock of its own
                auto* rest = std::exchange(spare_for_split, nullptr);
                rest->lock = {own.owner, own.type, lock.last + 1, own.last};
                rest->next = node->next;
                node->next = rest;
            }
            own.last = lock.first - 1;
            place = &node->next;
            continue;
        } else if (own.last > lock.last) {
            own.first = lock.last + 1;
            place = &node->next;
            continue;
        }
        *place = node->next;
        delete node;
    }
    if (joined.type == LockType::None)
        return;
    auto* node = std::exchange(spare, nullptr);
    while (*group && (*group)->lock.owner == lock.owner && (*group)->lock.first < joined.first)
        group = &(*group)->next;
    node->lock = joined;
    node->next = std::exchange(*group, node);
}

base::Result<> FileLocks::set(Node*& list, const FileLock& lock, bool wait) {
    auto* spare = new (std::nothrow) Node;
    auto* spare_for_split = new (std::nothrow) Node;
    base::Result<> result;
    if (!spare || !spare_for_split) {
        result = base::fail(base::Error::NoMemory);
    } else {
        auto state = m_lock.lock();
        while (result && conflict_in(list, lock))
            result = wait ? m_waiters.wait(m_lock, state) : base::fail(base::Error::Again);
        if (result) {
            apply(list, lock, spare, spare_for_split);
            if (lock.type != LockType::Exclusive)
                m_waiters.wake_all(); // what was given up or weakened
        }
        m_lock.unlock(state);
    }
    delete spare;
    delete spare_for_split;
    return result;
}

base::Result<> FileLocks::set_range(const FileLock& lock, bool wait) {
    return set(m_ranges, lock, wait);
}

base::Result<> FileLocks::set_whole(const OpenFile& owner, LockType type, bool wait) {
    auto changes = false;
    {
        sched::SpinLocker locker(m_lock);
        for (auto* node = m_wholes; node; node = node->next) {
            if (node->lock.owner != &owner)
                continue;
            if (node->lock.type == type)
                return {};
            changes = true;
        }
    }
    // As on Linux, changing the type is giving up one lock and asking for another.
    if (changes)
        release(m_wholes, &owner);
    return set(m_wholes, {&owner, type, 0, UINT64_MAX}, wait);
}

std::optional<FileLock> FileLocks::find_conflict(const FileLock& lock) {
    sched::SpinLocker locker(m_lock);
    if (auto* node = conflict_in(m_ranges, lock))
        return node->lock;
    return std::nullopt;
}

void FileLocks::release(Node*& list, const OpenFile* owner) {
    sched::SpinLocker locker(m_lock);
    auto any = false;
    for (auto** place = &list; *place;) {
        auto* node = *place;
        if (node->lock.owner != owner) {
            place = &node->next;
            continue;
        }
        *place = node->next;
        delete node;
        any = true;
    }
    if (any)
        m_waiters.wake_all();
}

void FileLocks::release_process() {
    release(m_ranges, nullptr);
}

void FileLocks::release_file(const OpenFile& file) {
    release(m_ranges, &file);
    release(m_wholes, &file);
}

} // namespace fs
