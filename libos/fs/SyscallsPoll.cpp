// Waiting for several files: poll, select, epoll; and eventfd. The signal masks of ppoll, pselect6 and epoll_pwait are
// not applied.

#include "libos/fs/EpollFile.h"
#include "libos/fs/EventFile.h"
#include "libos/fs/Readiness.h"
#include "libos/fs/SyscallSupport.h"
#include "libos/fs/Syscalls.h"

#include <algorithm>
#include <new>
#include <optional>

namespace fs {

using base::Error;
using base::fail;
using base::Result;
using syscalls::Arguments;

namespace {

constexpr uint64_t second = 1'000'000'000;

sched::Deadline deadline_after(uint64_t seconds, uint64_t nanoseconds) {
    auto now = services().clock.monotonic_nanoseconds();
    if (seconds >= (sched::no_deadline - now) / second - 1)
        return sched::no_deadline;
    return now + seconds * second + nanoseconds;
}

/// poll and epoll_wait: milliseconds, negative for ever.
sched::Deadline deadline_of_milliseconds(int timeout) {
    if (timeout < 0)
        return sched::no_deadline;
    return deadline_after(static_cast<uint64_t>(timeout) / 1000, static_cast<uint64_t>(timeout) % 1000 * 1'000'000);
}

/// A timespec, or with `unit` 1000 a timeval, at `address`; none waits for ever.
Result<sched::Deadline> deadline_at(memory::UserAddress address, int64_t unit = 1) {
    if (address == 0)
        return sched::no_deadline;
    auto time = TRY(memory::read_user<abi::timespec>(address));
    if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= static_cast<int64_t>(second) / unit)
        return fail(Error::Invalid);
    return deadline_after(static_cast<uint64_t>(time.tv_sec), static_cast<uint64_t>(time.tv_nsec * unit));
}

/// Asks `look` until it finds something, time is up (0) or a signal comes.
template <typename Look>
Result<uint64_t> wait_until_ready(sched::Deadline deadline, Look look) {
    while (true) {
        auto generation = readiness_generation();
        if (auto found = TRY(look()))
            return found;
        auto waited = wait_for_readiness(generation, deadline);
        if (!waited && waited.error() == Error::TimedOut)
            return 0;
        TRY(waited);
    }
}

/// An array copied from the app.
template <typename T>
class Copied {
public:
    Copied() = default;
    Copied(const Copied&) = delete;
    Copied& operator=(const Copied&) = delete;
    ~Copied() { delete[] m_items.data(); }

    Result<> load(memory::UserAddress address, size_t count) {
        auto* items = new (std::nothrow) T[count + 1];
        if (!items)
            return fail(Error::NoMemory);
        m_items = std::span(items, count);
        return memory::copy_from_user(std::as_writable_bytes(m_items), address);
    }
    std::span<T> items() const { return m_items; }

private:
    std::span<T> m_items;
};

Result<uint64_t> poll_until(uint64_t address, uint64_t count, sched::Deadline deadline) {
    if (count > file_system().descriptors().limit())
        return fail(Error::Invalid);
    Copied<abi::pollfd> files;
    TRY(files.load(address, count));
    auto result = wait_until_ready(deadline, [&]() -> Result<uint64_t> {
        uint64_t ready = 0;
        for (auto& watched : files.items()) {
            watched.revents = 0;
            if (watched.fd < 0)
                continue;
            auto file = file_of(watched.fd);
            auto events = file ? (*file)->poll() : abi::pollnval;
            auto wanted = static_cast<uint16_t>(watched.events) | abi::pollerr | abi::pollhup | abi::pollnval;
            watched.revents = static_cast<int16_t>(events & wanted);
            ready += watched.revents != 0;
        }
        return ready;
    });
    if (result)
        TRY(memory::copy_to_user(address, std::as_bytes(files.items())));
    return result;
}

/// One of the three sets of select: bits of descriptors.
struct DescriptorSet {
    static constexpr unsigned max = 1024;

    memory::UserAddress address = 0;
    uint32_t events = 0;
    uint64_t wanted[max / 64] = {};
    uint64_t ready[max / 64] = {};

    bool wants(unsigned descriptor) const { return (wanted[descriptor / 64] >> (descriptor % 64)) & 1; }
};

Result<uint64_t> select_until(int count, uint64_t reading, uint64_t writing, uint64_t exceptional,
                              sched::Deadline deadline) {
    if (count < 0)
        return fail(Error::Invalid);
    auto limit = std::min(static_cast<unsigned>(count), DescriptorSet::max);
    auto words = (limit + 63) / 64;
    DescriptorSet sets[3];
    sets[0].address = reading;
    sets[0].events = abi::pollin | abi::pollrdnorm | abi::pollhup | abi::pollerr;
    sets[1].address = writing;
    sets[1].events = abi::pollout | abi::pollwrnorm | abi::pollerr;
    sets[2].address = exceptional;
    sets[2].events = abi::pollpri;
    for (auto& set : sets) {
        if (set.address)
            TRY(memory::copy_from_user(std::as_writable_bytes(std::span(set.wanted, words)), set.address));
    }
    auto result = wait_until_ready(deadline, [&]() -> Result<uint64_t> {
        uint64_t found = 0;
        for (auto& set : sets)
            std::ranges::fill(set.ready, 0);
        for (unsigned descriptor = 0; descriptor < limit; ++descriptor) {
            if (!sets[0].wants(descriptor) && !sets[1].wants(descriptor) && !sets[2].wants(descriptor))
                continue;
            auto events = TRY(file_of(static_cast<int>(descriptor)))->poll();
            for (auto& set : sets) {
                if (!set.wants(descriptor) || !(events & set.events))
                    continue;
                set.ready[descriptor / 64] |= uint64_t{1} << (descriptor % 64);
                ++found;
            }
        }
        return found;
    });
    if (!result)
        return result;
    for (const auto& set : sets) {
        if (set.address)
            TRY(memory::copy_to_user(set.address, std::as_bytes(std::span(set.ready, words))));
    }
    return result;
}

} // namespace

Result<uint64_t> sys_poll(const Arguments& a) {
    return poll_until(a.value[0], a.value[1], deadline_of_milliseconds(a.as_int(2)));
}
Result<uint64_t> sys_ppoll(const Arguments& a) {
    return poll_until(a.value[0], a.value[1], TRY(deadline_at(a.value[2])));
}
Result<uint64_t> sys_select(const Arguments& a) {
    return select_until(a.as_int(0), a.value[1], a.value[2], a.value[3], TRY(deadline_at(a.value[4], 1000)));
}
Result<uint64_t> sys_pselect6(const Arguments& a) {
    return select_until(a.as_int(0), a.value[1], a.value[2], a.value[3], TRY(deadline_at(a.value[4])));
}

namespace {

Result<uint64_t> add_descriptor(base::Reference<OpenFile> file, int flags) {
    return TRY(file_system().descriptors().add(std::move(file), (flags & abi::o_cloexec) != 0));
}

Result<uint64_t> epoll_until(int descriptor, uint64_t events, int limit, sched::Deadline deadline) {
    constexpr int max_events = INT32_MAX / static_cast<int>(sizeof(abi::epoll_event));
    if (limit <= 0 || limit > max_events)
        return fail(Error::Invalid);
    auto file = TRY(file_of(descriptor));
    auto* epoll = file->as_epoll();
    if (!epoll)
        return fail(Error::Invalid);
    return wait_until_ready(
        deadline, [&]() -> Result<uint64_t> { return TRY(epoll->collect(events, static_cast<size_t>(limit))); });
}

Result<uint64_t> make_event_file(uint32_t value, int flags) {
    constexpr int semaphore = 1;
    if (flags & ~(semaphore | abi::o_cloexec | abi::o_nonblock))
        return fail(Error::Invalid);
    auto status = abi::o_rdwr | (flags & abi::o_nonblock);
    return add_descriptor(TRY(EventFile::create(value, (flags & semaphore) != 0, status)), flags);
}

} // namespace

Result<uint64_t> sys_epoll_create(const Arguments& a) {
    if (a.as_int(0) <= 0)
        return fail(Error::Invalid);
    return add_descriptor(TRY(EpollFile::create()), 0);
}
Result<uint64_t> sys_epoll_create1(const Arguments& a) {
    if (a.as_int(0) & ~abi::o_cloexec)
        return fail(Error::Invalid);
    return add_descriptor(TRY(EpollFile::create()), a.as_int(0));
}

Result<uint64_t> sys_epoll_ctl(const Arguments& a) {
    constexpr int add = 1;
    constexpr int remove = 2;
    constexpr int modify = 3;
    auto operation = a.as_int(1);
    abi::epoll_event event = {};
    if (operation != remove)
        event = TRY(memory::read_user<abi::epoll_event>(a.value[3]));
    auto file = TRY(file_of(a.as_int(0)));
    auto watched = TRY(file_of(a.as_int(2)));
    auto* epoll = file->as_epoll();
    if (!epoll)
        return fail(Error::Invalid);
    switch (operation) {
    case add:
        TRY(epoll->add(a.as_int(2), *watched, event));
        return 0;
    case modify:
        TRY(epoll->modify(a.as_int(2), *watched, event));
        return 0;
    case remove:
        TRY(epoll->remove(a.as_int(2), *watched));
        return 0;
    default:
        return fail(Error::Invalid);
    }
}

Result<uint64_t> sys_epoll_wait(const Arguments& a) {
    return epoll_until(a.as_int(0), a.value[1], a.as_int(2), deadline_of_milliseconds(a.as_int(3)));
}
Result<uint64_t> sys_epoll_pwait2(const Arguments& a) {
    return epoll_until(a.as_int(0), a.value[1], a.as_int(2), TRY(deadline_at(a.value[3])));
}

Result<uint64_t> sys_eventfd(const Arguments& a) {
    return make_event_file(a.as_u32(0), 0);
}
Result<uint64_t> sys_eventfd2(const Arguments& a) {
    return make_event_file(a.as_u32(0), a.as_int(1));
}

} // namespace fs
