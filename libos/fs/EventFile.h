#pragma once
// EventFile: eventfd(2), a counter that one thread raises and another waits for. AnonymousInode: what fstat sees of it
// and of other open files that are no file.

#include "libos/fs/Inode.h"
#include "libos/fs/OpenFile.h"

namespace fs {

class AnonymousInode final : public Inode {
public:
    static base::Result<base::Reference<AnonymousInode>> create();
    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;

private:
    AnonymousInode()
        : Inode(FileType::Anonymous, 0600) {}
};

class EventFile final : public OpenFile {
public:
    static base::Result<base::Reference<OpenFile>> create(uint64_t value, bool is_semaphore, int flags);

    base::Result<size_t> read(Transfer& to) override;
    base::Result<size_t> write(Transfer& from) override;
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    uint64_t activity() const override { return m_activity.load(std::memory_order_relaxed); }

private:
    static constexpr uint64_t max_value = UINT64_MAX - 1;

    EventFile(base::Reference<Inode> inode, uint64_t value, bool is_semaphore, int flags)
        : OpenFile(std::move(inode), nullptr, flags)
        , m_is_semaphore(is_semaphore)
        , m_value(value) {}
    void changed();

    const bool m_is_semaphore;
    sched::SpinLock m_lock; // a leaf
    sched::WaitQueue m_waiters;
    uint64_t m_value;
    std::atomic<uint64_t> m_activity{0};
};

} // namespace fs
