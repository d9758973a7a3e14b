#pragma once
// Pipe: 64 KiB between those who write and those who read; of pipe(2), or named (mkfifo).
//
// Bytes are copied from and to app memory without a SpinLock: one reader and one writer at a time (SleepLocks), each
// touching only the part of the ring that the counts under m_lock give it.

#include "libos/fs/Inode.h"
#include "libos/fs/OpenFile.h"

namespace fs {

class Pipe final : public Inode {
public:
    static constexpr size_t capacity = size_t{64} * 1024;
    static constexpr size_t atomic_size = 4096; // PIPE_BUF: no more than this is written at once or not at all

    static base::Result<base::Reference<Pipe>> create(uint32_t permissions);
    /// A named pipe waits for its other side, unless O_NONBLOCK.
    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;
    base::Result<base::Reference<OpenFile>> open_end(base::Reference<Entry> entry, int flags);

    base::Result<size_t> read(Transfer& to, bool nonblocking);
    base::Result<size_t> write(Transfer& from, bool nonblocking);
    uint32_t poll(bool for_reading, bool for_writing);
    size_t readable_bytes();
    uint64_t activity() const { return m_activity.load(std::memory_order_relaxed); }
    void add_ends(int readers, int writers);

private:
    explicit Pipe(uint32_t permissions)
        : Inode(FileType::Pipe, permissions) {}
    std::span<std::byte> run_at(uint64_t position, size_t length);
    void changed();

    SleepLock m_reading;
    SleepLock m_writing;
    sched::SpinLock m_pipe_lock; // a leaf; the counts below
    sched::WaitQueue m_waiters;
    uint64_t m_read = 0; // bytes ever read; position in the ring modulo the capacity
    uint64_t m_written = 0;
    int m_readers = 0;
    int m_writers = 0;
    std::atomic<uint64_t> m_activity{0};
    base::Reference<Page> m_pages[capacity / page_size]; // by the writer, who makes them as it first gets there
};

class PipeEnd final : public OpenFile {
public:
    PipeEnd(base::Reference<Pipe> pipe, base::Reference<Entry> entry, int flags);
    ~PipeEnd() override;

    base::Result<size_t> read(Transfer& to) override { return m_pipe.read(to, is_nonblocking()); }
    base::Result<size_t> write(Transfer& from) override { return m_pipe.write(from, is_nonblocking()); }
    base::Result<uint64_t> ioctl(uint32_t request, uint64_t argument) override;
    uint32_t poll() override { return m_pipe.poll(is_readable(), is_writable()); }
    uint64_t activity() const override { return m_pipe.activity(); }
    bool can_poll() const override { return true; }

private:
    Pipe& m_pipe; // kept by inode()
    const bool m_reads;
    const bool m_writes;
};

} // namespace fs
