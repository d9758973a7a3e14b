#include "libos/fs/RegularFile.h"

#include "libos/base/Bits.h"
#include "libos/fs/FileSystem.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace fs {

using base::Error;
using base::fail;

base::Result<base::Reference<RegularFile>> RegularFile::create(uint32_t permissions) {
    auto* file = new (std::nothrow) RegularFile(permissions);
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<RegularFile>::adopt(file);
}

base::Result<base::Reference<OpenFile>> RegularFile::open(base::Reference<Entry> entry, int flags) {
    auto* file = new (std::nothrow) OpenRegularFile(base::Reference<RegularFile>::share(this), std::move(entry), flags);
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<OpenFile>::adopt(file);
}

Attributes RegularFile::attributes() const {
    sched::SpinLocker locker(m_lock);
    auto attributes = m_attributes;
    attributes.data_pages = m_pages.count();
    return attributes;
}

uint64_t RegularFile::size() const {
    sched::SpinLocker locker(m_lock);
    return m_attributes.size;
}

base::Result<base::Reference<Page>> RegularFile::page(uint64_t index, bool create) {
    {
        sched::SpinLocker locker(m_lock);
        if (index >= base::align_up(m_attributes.size, page_size) / page_size)
            return fail(Error::Range);
        if (auto* page = m_pages.find(index))
            return base::Reference<Page>::share(page);
    }
    if (!create)
        return base::Reference<Page>();
    return page_for_writing(index);
}

/// The frame, made if need be, without regard to the size.
base::Result<base::Reference<Page>> RegularFile::page_for_writing(uint64_t index) {
    {
        sched::SpinLocker locker(m_lock);
        if (auto* page = m_pages.find(index))
            return base::Reference<Page>::share(page);
    }
    auto fresh = TRY(Page::create()); // zeroing is too long for the lock
    sched::SpinLocker locker(m_lock);
    if (auto* page = m_pages.find(index))
        return base::Reference<Page>::share(page);
    TRY(m_pages.insert(index, fresh));
    return fresh;
}

base::Result<size_t> RegularFile::read(Transfer& to, uint64_t offset) {
    base::Result<> result;
    while (!to.done() && result) {
        base::Reference<Page> page;
        uint64_t left = 0;
        {
            sched::SpinLocker locker(m_lock);
            if (offset >= m_attributes.size)
                break;
            left = m_attributes.size - offset;
            page = base::Reference<Page>::share(m_pages.find(offset / page_size));
        }
        auto in_page = offset % page_size;
        auto count = std::min({page_size - in_page, left, uint64_t{to.remaining()}});
        auto copied = page ? to.put(page->bytes().subspan(in_page, count)) : to.put_zeros(count);
        if (copied)
            offset += count;
        else
            result = fail(copied.error());
    }
    touch_accessed();
    return bytes_moved(to, result);
}

base::Result<size_t> RegularFile::write(Transfer& from, uint64_t offset) {
    SleepLocker locker(m_write_lock);
    return write_locked(from, offset);
}

base::Result<size_t> RegularFile::append(Transfer& from, uint64_t& offset_after) {
    SleepLocker locker(m_write_lock);
    auto offset = size();
    auto count = TRY(write_locked(from, offset));
    offset_after = offset + count;
    return count;
}

base::Result<size_t> RegularFile::write_locked(Transfer& from, uint64_t offset) {
    if (from.done())
        return 0;
    if (offset >= max_size)
        return fail(Error::FileTooBig);
    from.limit(max_size - offset);
    base::Result<> result;
    while (!from.done()) {
        auto page = page_for_writing(offset / page_size);
        if (!page) {
            result = fail(page.error());
            break;
        }
        auto in_page = offset % page_size;
        auto count = std::min<uint64_t>(page_size - in_page, from.remaining());
        auto before = from.moved();
        auto taken = from.take((*page)->bytes().subspan(in_page, count));
        offset += from.moved() - before;
        sched::SpinLocker locker(m_lock);
        m_attributes.size = std::max(m_attributes.size, offset);
        if (!taken) {
            result = fail(taken.error());
            break;
        }
    }
    if (from.moved() > 0)
        touch_modified();
    return bytes_moved(from, result);
}

base::Result<> RegularFile::resize(uint64_t size) {
    if (size > max_size)
        return fail(Error::FileTooBig);
    SleepLocker locker(m_write_lock);
    resize_locked(size);
    touch_modified();
    return {};
}

void RegularFile::resize_locked(uint64_t size) {
    auto before = this->size();
    {
        sched::SpinLocker locker(m_lock);
        m_attributes.size = size;
    }
    // What grows again later must read as zeros, also where a mapping wrote past the end in the last frame.
    punch_locked(std::min(before, size), base::align_up(std::max(before, size), page_size));
}

/// Zeroes the parts of frames at both ends of [offset, end) and removes the whole frames between.
void RegularFile::punch_locked(uint64_t offset, uint64_t end) {
    auto first_whole = base::align_up(offset, page_size) / page_size;
    auto end_whole = end / page_size;
    if (first_whole > end_whole) { // inside one frame
        zero(offset, end);
        return;
    }
    zero(offset, first_whole * page_size);
    zero(end_whole * page_size, end);
    // A few at a time: interrupts are off under the lock.
    constexpr uint64_t batch = 64;
    while (first_whole < end_whole) {
        sched::SpinLocker locker(m_lock);
        auto next = m_pages.next(first_whole);
        if (!next || *next >= end_whole)
            return;
        auto last = std::min(*next + batch, end_whole) - 1;
        m_pages.remove_range(*next, last);
        first_whole = last + 1;
    }
}

/// [offset, end) lies inside one frame.
void RegularFile::zero(uint64_t offset, uint64_t end) {
    if (offset >= end)
        return;
    sched::SpinLocker locker(m_lock);
    if (auto* page = m_pages.find(offset / page_size))
        std::memset(page->bytes().data() + offset % page_size, 0, end - offset);
}

base::Result<> RegularFile::allocate(int mode, uint64_t offset, uint64_t length) {
    auto keep_size = (mode & abi::falloc_fl_keep_size) != 0;
    auto clears = mode & (abi::falloc_fl_punch_hole | abi::falloc_fl_zero_range);
    auto end = offset + length;
    if (end > max_size)
        return fail(Error::FileTooBig);
    SleepLocker locker(m_write_lock);
    if (clears != 0)
        punch_locked(offset, end);
    if ((mode & abi::falloc_fl_punch_hole) == 0) {
        for (auto index = offset / page_size; index * page_size < end; ++index)
            TRY(page_for_writing(index));
    }
    if (!keep_size) {
        sched::SpinLocker size_locker(m_lock);
        m_attributes.size = std::max(m_attributes.size, end);
    }
    touch_modified();
    return {};
}

base::Result<uint64_t> RegularFile::next_data(uint64_t offset) const {
    sched::SpinLocker locker(m_lock);
    if (offset >= m_attributes.size)
        return fail(Error::NoSuchDevice);
    auto index = m_pages.next(offset / page_size);
    if (!index || *index * page_size >= m_attributes.size)
        return fail(Error::NoSuchDevice);
    return std::max(offset, *index * page_size);
}

base::Result<uint64_t> RegularFile::next_hole(uint64_t offset) const {
    sched::SpinLocker locker(m_lock);
    if (offset >= m_attributes.size)
        return fail(Error::NoSuchDevice);
    auto index = offset / page_size;
    while (index * page_size < m_attributes.size && m_pages.find(index))
        ++index;
    return std::min(std::max(offset, index * page_size), m_attributes.size);
}

base::Result<size_t> OpenRegularFile::read_at(Transfer& to, uint64_t offset) {
    return m_file.read(to, offset);
}

base::Result<size_t> OpenRegularFile::write_at(Transfer& from, uint64_t offset) {
    // Linux appends even for pwrite(2).
    if (flags() & abi::o_append)
        return m_file.append(from, offset);
    return m_file.write(from, offset);
}

base::Result<uint64_t> OpenRegularFile::ioctl(uint32_t request, uint64_t argument) {
    if (request != abi::fionread)
        return fail(Error::NotTerminal);
    auto position = TRY(seek(0, abi::seek_cur));
    auto left = static_cast<int64_t>(end()) - static_cast<int64_t>(position);
    TRY(memory::write_user(argument, static_cast<int32_t>(std::clamp<int64_t>(left, INT32_MIN, INT32_MAX))));
    return 0;
}

base::Result<base::Reference<SymbolicLink>> SymbolicLink::create(std::string_view target) {
    auto text = TRY(String::create(target));
    auto* link = new (std::nothrow) SymbolicLink(std::move(text));
    if (!link)
        return fail(Error::NoMemory);
    return base::Reference<SymbolicLink>::adopt(link);
}

base::Result<base::Reference<OpenFile>> SymbolicLink::open(base::Reference<Entry>, int) {
    return fail(Error::Loop);
}

Attributes SymbolicLink::attributes() const {
    auto attributes = Inode::attributes();
    attributes.size = m_target.view().size();
    return attributes;
}

} // namespace fs
