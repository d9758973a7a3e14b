#pragma once
// DescriptorTable: the process' file descriptors. Chunks are made as needed and stay; lookups take a short leaf lock
// and share the open file, so a close on another thread never pulls it away.

#include "libos/base/Reference.h"
#include "libos/base/Result.h"
#include "libos/sched/SpinLock.h"

#include <atomic>
#include <cstdint>

namespace fs {

class OpenFile;

class DescriptorTable {
public:
    static constexpr unsigned max_descriptors = 65536;

    constexpr DescriptorTable() = default;
    DescriptorTable(const DescriptorTable&) = delete;
    DescriptorTable& operator=(const DescriptorTable&) = delete;

    /// Error::BadFile.
    base::Result<base::Reference<OpenFile>> get(int descriptor);
    /// The lowest free one that is at least `minimum`. Error::TooManyFiles at the limit, Error::Invalid for a minimum
    /// past it.
    base::Result<int> add(base::Reference<OpenFile> file, bool close_on_exec, unsigned minimum = 0);
    /// dup2: closes what was there. Error::BadFile for a number past the limit.
    base::Result<> replace(int descriptor, base::Reference<OpenFile> file, bool close_on_exec);
    base::Result<> close(int descriptor);
    base::Result<bool> close_on_exec(int descriptor);
    base::Result<> set_close_on_exec(int descriptor, bool value);
    /// Closes all in [first, last].
    void close_range(unsigned first, unsigned last, bool only_set_close_on_exec = false);
    /// The first open one at or after `descriptor`, or -1.
    int next_open(int descriptor);

    /// RLIMIT_NOFILE's soft limit.
    unsigned limit() const { return m_limit.load(std::memory_order_relaxed); }
    void set_limit(unsigned limit);
    /// Closes everything and gives the memory back, for tests.
    void free_chunks();

private:
    struct Slot {
        base::Reference<OpenFile> file;
        bool close_on_exec = false;
    };
    static constexpr unsigned chunk_size = 256;
    struct Chunk {
        Slot slots[chunk_size];
    };

    Slot* slot(unsigned descriptor);
    base::Result<> make_room(unsigned descriptor);
    void release_locks_of(OpenFile& file);

    sched::SpinLock m_lock; // a leaf
    Chunk* m_chunks[max_descriptors / chunk_size] = {};
    unsigned m_lowest_free = 0; // none below it is free
    std::atomic<unsigned> m_limit{1024};
};

} // namespace fs
