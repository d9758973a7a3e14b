#pragma once
// RefCounted and Reference<T>: shared ownership by an intrusive count, for objects with no single owner (inodes, open
// files, frames). The count is atomic; what it counts needs its own lock. The last reference deletes the object, in the
// context of whoever drops it: never drop one that might be the last while holding a SpinLock the destructor takes.

#include "libos/base/Assert.h"

#include <atomic>
#include <concepts>
#include <cstdint>
#include <utility>

namespace base {

class RefCounted {
public:
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;

    void reference() const { m_references.fetch_add(1, std::memory_order_relaxed); }

    /// False when the last one is gone and the object about to be deleted: for registers that do not own what they
    /// list.
    [[nodiscard]] bool try_reference() const {
        auto before = m_references.load(std::memory_order_relaxed);
        while (before != 0) {
            if (m_references.compare_exchange_weak(before, before + 1, std::memory_order_relaxed))
                return true;
        }
        return false;
    }

    /// True if this was the last one: the caller deletes the object.
    [[nodiscard]] bool release() const {
        // acq_rel: what any other holder wrote before its release is seen by the one that deletes.
        auto before = m_references.fetch_sub(1, std::memory_order_acq_rel);
        ASSERT(before > 0);
        return before == 1;
    }

    uint32_t reference_count() const { return m_references.load(std::memory_order_relaxed); }

protected:
    constexpr RefCounted() = default;
    ~RefCounted() = default;

private:
    mutable std::atomic<uint32_t> m_references{1};
};

/// Null or an owner of one count.
template <typename T>
class Reference {
public:
    constexpr Reference() = default;
    constexpr Reference(std::nullptr_t) {}

    /// Takes over the count that a new object is born with. Null when the allocation failed.
    static Reference adopt(T* object) {
        Reference result;
        result.m_object = object;
        return result;
    }
    /// Adds a count to an object that somebody else keeps alive.
    static Reference share(T* object) {
        if (object)
            object->reference();
        return adopt(object);
    }
    static Reference share(T& object) { return share(&object); }

    Reference(const Reference& other)
        : Reference(share(other.m_object)) {}
    Reference(Reference&& other) noexcept
        : m_object(std::exchange(other.m_object, nullptr)) {}
    template <std::derived_from<T> U>
    Reference(Reference<U> other)
        : m_object(other.leak()) {}
    Reference& operator=(Reference other) noexcept {
        std::swap(m_object, other.m_object);
        return *this;
    }
    ~Reference() {
        if (m_object && m_object->release())
            delete m_object;
    }

    T* get() const { return m_object; }
    T& operator*() const {
        ASSERT(m_object);
        return *m_object;
    }
    T* operator->() const {
        ASSERT(m_object);
        return m_object;
    }
    explicit operator bool() const { return m_object != nullptr; }

    /// Gives the count away.
    [[nodiscard]] T* leak() { return std::exchange(m_object, nullptr); }

private:
    T* m_object = nullptr;
};

} // namespace base
