#pragma once
// EpollFile: epoll(7): a set of open files to watch. An item does not keep its file open: the last close takes it out.
//
// m_lock is a SleepLock: files are asked and app memory is written under it. Order: the list of all EpollFiles, an
// outer EpollFile, the inner one that it watches. One level of nesting.

#include "libos/fs/OpenFile.h"
#include "libos/fs/SleepLock.h"

namespace fs {

class EpollFile final : public OpenFile {
public:
    static base::Result<base::Reference<OpenFile>> create();
    ~EpollFile() override;

    /// epoll_ctl(2). Error::Exists, Error::NoEntry, Error::NotPermitted for files that are always ready.
    base::Result<> add(int descriptor, OpenFile& file, const abi::epoll_event& event);
    base::Result<> modify(int descriptor, OpenFile& file, const abi::epoll_event& event);
    base::Result<> remove(int descriptor, OpenFile& file);

    /// Writes the events of ready files, at most `limit`; each file has its turn.
    base::Result<size_t> collect(memory::UserAddress to, size_t limit);

    uint32_t poll() override;
    bool can_poll() const override { return true; }
    uint64_t activity() const override;
    EpollFile* as_epoll() override { return this; }

    /// A watched file is gone.
    static void forget(OpenFile& file);

private:
    struct Item;
    explicit EpollFile(base::Reference<Inode> inode);
    Item** find(int descriptor, const OpenFile& file);
    /// Takes the first item that `visit(item, ready, activity)` says to stop at; asks each once.
    template <typename Visit>
    void visit_ready(Visit visit);

    SleepLock m_lock;
    Item* m_first = nullptr;
    Item** m_end = &m_first; // where the next one goes
    size_t m_count = 0;
    bool m_watches_epoll = false;
    bool m_is_watched = false;
    EpollFile* m_next_epoll = nullptr; // under the list's lock
};

} // namespace fs
