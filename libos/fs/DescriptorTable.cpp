#include "libos/fs/DescriptorTable.h"

#include "libos/fs/FileLocks.h"
#include "libos/fs/OpenFile.h"

#include <algorithm>
#include <new>
#include <utility>

namespace fs {

using base::Error;
using base::fail;

/// Null past the chunks there are. Under m_lock.
DescriptorTable::Slot* DescriptorTable::slot(unsigned descriptor) {
    if (descriptor >= max_descriptors)
        return nullptr;
    auto* chunk = m_chunks[descriptor / chunk_size];
    return chunk ? &chunk->slots[descriptor % chunk_size] : nullptr;
}

/// Makes the chunk of `descriptor`. Without m_lock.
base::Result<> DescriptorTable::make_room(unsigned descriptor) {
    auto* chunk = new (std::nothrow) Chunk;
    if (!chunk)
        return fail(Error::NoMemory);
    {
        sched::SpinLocker locker(m_lock);
        auto& place = m_chunks[descriptor / chunk_size];
        if (!place)
            place = std::exchange(chunk, nullptr);
    }
    delete chunk; // another thread was first
    return {};
}

base::Result<base::Reference<OpenFile>> DescriptorTable::get(int descriptor) {
    sched::SpinLocker locker(m_lock);
    auto* place = descriptor < 0 ? nullptr : slot(static_cast<unsigned>(descriptor));
    if (!place || !place->file)
        return fail(Error::BadFile);
    return place->file;
}

base::Result<int> DescriptorTable::add(base::Reference<OpenFile> file, bool close_on_exec, unsigned minimum) {
    if (minimum >= limit())
        return fail(Error::Invalid);
    while (true) {
        unsigned descriptor = 0;
        {
            sched::SpinLocker locker(m_lock);
            descriptor = std::max(minimum, m_lowest_free);
            auto* place = slot(descriptor);
            while (place && place->file)
                place = slot(++descriptor);
            if (minimum <= m_lowest_free)
                m_lowest_free = descriptor;
            if (descriptor >= limit() || descriptor >= max_descriptors)
                return fail(Error::TooManyFiles);
            if (place) {
                place->file = std::move(file);
                place->close_on_exec = close_on_exec;
                return static_cast<int>(descriptor);
            }
        }
        TRY(make_room(descriptor));
    }
}

base::Result<> DescriptorTable::replace(int descriptor, base::Reference<OpenFile> file, bool close_on_exec) {
    if (descriptor < 0 || static_cast<unsigned>(descriptor) >= limit())
        return fail(Error::BadFile);
    auto number = static_cast<unsigned>(descriptor);
    while (true) {
        {
            sched::SpinLocker locker(m_lock);
            if (auto* place = slot(number)) {
                std::swap(place->file, file);
                place->close_on_exec = close_on_exec;
                break;
            }
        }
        TRY(make_room(number));
    }
    if (file)
        release_locks_of(*file);
    return {};
}

base::Result<> DescriptorTable::close(int descriptor) {
    base::Reference<OpenFile> file;
    {
        sched::SpinLocker locker(m_lock);
        auto* place = descriptor < 0 ? nullptr : slot(static_cast<unsigned>(descriptor));
        if (!place || !place->file)
            return fail(Error::BadFile);
        file = std::move(place->file);
        place->close_on_exec = false;
        m_lowest_free = std::min(m_lowest_free, static_cast<unsigned>(descriptor));
    }
    release_locks_of(*file);
    return {};
}

void DescriptorTable::release_locks_of(OpenFile& file) {
    if (auto* locks = file.inode().locks_if_any())
        locks->release_process();
}

base::Result<bool> DescriptorTable::close_on_exec(int descriptor) {
    sched::SpinLocker locker(m_lock);
    auto* place = descriptor < 0 ? nullptr : slot(static_cast<unsigned>(descriptor));
    if (!place || !place->file)
        return fail(Error::BadFile);
    return place->close_on_exec;
}

base::Result<> DescriptorTable::set_close_on_exec(int descriptor, bool value) {
    sched::SpinLocker locker(m_lock);
    auto* place = descriptor < 0 ? nullptr : slot(static_cast<unsigned>(descriptor));
    if (!place || !place->file)
        return fail(Error::BadFile);
    place->close_on_exec = value;
    return {};
}

void DescriptorTable::close_range(unsigned first, unsigned last, bool only_set_close_on_exec) {
    for (auto descriptor = next_open(static_cast<int>(std::min(first, max_descriptors)));
         descriptor >= 0 && static_cast<unsigned>(descriptor) <= last; descriptor = next_open(descriptor + 1)) {
        if (only_set_close_on_exec)
            (void)set_close_on_exec(descriptor, true);
        else
            (void)close(descriptor);
    }
}

int DescriptorTable::next_open(int descriptor) {
    sched::SpinLocker locker(m_lock);
    for (auto number = static_cast<unsigned>(descriptor); number < max_descriptors; ++number) {
        auto* place = slot(number);
        if (!place)
            number |= chunk_size - 1;
        else if (place->file)
            return static_cast<int>(number);
    }
    return -1;
}

void DescriptorTable::set_limit(unsigned limit) {
    m_limit.store(std::min(limit, max_descriptors), std::memory_order_relaxed);
}

void DescriptorTable::free_chunks() {
    close_range(0, UINT32_MAX);
    for (auto*& chunk : m_chunks)
        delete std::exchange(chunk, nullptr);
    m_lowest_free = 0;
    set_limit(1024);
}

} // namespace fs
