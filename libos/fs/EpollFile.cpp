#include "libos/fs/EpollFile.h"

#include "libos/fs/EventFile.h"
#include "libos/fs/Readiness.h"

#include <new>
#include <optional>

namespace fs {

using base::Error;
using base::fail;

namespace {

constexpr uint32_t always_wanted = abi::pollerr | abi::pollhup;
constexpr uint32_t edge_triggered = 1U << 31;
constexpr uint32_t one_shot = 1U << 30;
constexpr uint32_t option_bits = 0xf0000000;

constinit SleepLock g_list_lock;
constinit EpollFile* g_list = nullptr;

} // namespace

struct EpollFile::Item {
    Item* next = nullptr;
    int descriptor = 0;
    OpenFile* file = nullptr; // not kept open
    uint32_t events = 0;
    uint64_t data = 0;
    bool reported = false; // for edge triggering, at `activity`
    uint64_t activity = 0;
};

EpollFile::EpollFile(base::Reference<Inode> inode)
    : OpenFile(std::move(inode), nullptr, abi::o_rdwr) {
    SleepLocker locker(g_list_lock);
    m_next_epoll = g_list;
    g_list = this;
}

base::Result<base::Reference<OpenFile>> EpollFile::create() {
    auto inode = TRY(AnonymousInode::create());
    auto* file = new (std::nothrow) EpollFile(inode);
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<OpenFile>::adopt(file);
}

EpollFile::~EpollFile() {
    {
        SleepLocker locker(g_list_lock);
        auto** place = &g_list;
        while (*place != this)
            place = &(*place)->m_next_epoll;
        *place = m_next_epoll;
    }
    while (m_first)
        delete std::exchange(m_first, m_first->next);
}

EpollFile::Item** EpollFile::find(int descriptor, const OpenFile& file) {
    auto** place = &m_first;
    while (*place && ((*place)->descriptor != descriptor || (*place)->file != &file))
        place = &(*place)->next;
    return place;
}

base::Result<> EpollFile::add(int descriptor, OpenFile& file, const abi::epoll_event& event) {
    if (!file.can_poll())
        return fail(Error::NotPermitted);
    if (auto* inner = file.as_epoll()) {
        if (inner == this)
            return fail(Error::Invalid);
        SleepLocker inner_locker(inner->m_lock);
        if (inner->m_watches_epoll || m_is_watched)
            return fail(Error::Loop);
        inner->m_is_watched = true;
    }
    auto* item = new (std::nothrow) Item;
    if (!item)
        return fail(Error::NoMemory);
    item->descriptor = descriptor;
    item->file = &file;
    item->events = event.events | always_wanted;
    item->data = event.data;
    {
        SleepLocker locker(m_lock);
        if (*find(descriptor, file)) {
            delete item;
            return fail(Error::Exists);
        }
        if (file.as_epoll())
            m_watches_epoll = true;
        *m_end = item;
        m_end = &item->next;
        ++m_count;
        file.set_watched();
    }
    readiness_changed();
    return {};
}

base::Result<> EpollFile::modify(int descriptor, OpenFile& file, const abi::epoll_event& event) {
    {
        SleepLocker locker(m_lock);
        auto* item = *find(descriptor, file);
        if (!item)
            return fail(Error::NoEntry);
        item->events = event.events | always_wanted;
        item->data = event.data;
        item->reported = false;
    }
    readiness_changed();
    return {};
}

base::Result<> EpollFile::remove(int descriptor, OpenFile& file) {
    SleepLocker locker(m_lock);
    auto** place = find(descriptor, file);
    auto* item = *place;
    if (!item)
        return fail(Error::NoEntry);
    *place = item->next;
    if (m_end == &item->next)
        m_end = place;
    --m_count;
    delete item;
    return {};
}

void EpollFile::forget(OpenFile& file) {
    SleepLocker list_locker(g_list_lock);
    for (auto* epoll = g_list; epoll; epoll = epoll->m_next_epoll) {
        SleepLocker locker(epoll->m_lock);
        auto** place = &epoll->m_first;
        while (auto* item = *place) {
            if (item->file != &file) {
                place = &item->next;
                continue;
            }
            *place = item->next;
            if (epoll->m_end == &item->next)
                epoll->m_end = place;
            --epoll->m_count;
            delete item;
        }
    }
}

template <typename Visit>
void EpollFile::visit_ready(Visit visit) {
    OpenFile* dead = nullptr; // a file whose last count was ours; one at most, then the round ends
    {
        SleepLocker locker(m_lock);
        for (auto left = m_count; left > 0 && !dead; --left) {
            auto* item = m_first;
            m_first = item->next;
            if (!m_first)
                m_end = &m_first;
            item->next = nullptr;
            *m_end = item;
            m_end = &item->next;
            auto* file = item->file;
            if ((item->events & ~option_bits & ~always_wanted) == 0 && (item->events & one_shot))
                continue; // had its shot
            if (!file->try_reference())
                continue; // being closed
            auto activity = file->activity();
            auto ready = file->poll() & item->events;
            auto go_on = true;
            if (ready && !((item->events & edge_triggered) && item->reported && item->activity == activity))
                go_on = visit(*item, ready, activity);
            if (file->release())
                dead = file;
            if (!go_on)
                break;
        }
    }
    delete dead; // takes the item out, under m_lock
}

base::Result<size_t> EpollFile::collect(memory::UserAddress to, size_t limit) {
    size_t count = 0;
    std::optional<base::Error> failure;
    visit_ready([&](Item& item, uint32_t ready, uint64_t activity) {
        abi::epoll_event event = {ready, item.data};
        if (auto result = memory::write_user(to + count * sizeof(event), event); !result) {
            failure = result.error();
            return false;
        }
        item.reported = true;
        item.activity = activity;
        if (item.events & one_shot)
            item.events &= option_bits;
        return ++count < limit;
    });
    if (failure && count == 0)
        return fail(*failure);
    return count;
}

uint32_t EpollFile::poll() {
    uint32_t ready = 0;
    visit_ready([&](Item&, uint32_t, uint64_t) {
        ready = abi::pollin | abi::pollrdnorm;
        return false;
    });
    return ready;
}

uint64_t EpollFile::activity() const {
    return readiness_generation();
}

} // namespace fs
