#pragma once
// PageAllocator: where 4 KiB frames of physical memory come from. The image's is the buddy-free list of libos/memory;
// hosted tests bring one over malloc that can be told to run out.
//
// May be called from thread and interrupt context; takes at most a leaf lock.

#include "libos/base/Result.h"

#include <cstddef>
#include <cstdint>

namespace memory {

/// A physical address. Only a PageAllocator turns it into a pointer.
using PhysicalAddress = uint64_t;

class PageAllocator {
public:
    /// One frame, filled with zeros. Error::NoMemory when there is none.
    virtual base::Result<PhysicalAddress> allocate_zeroed_page() = 0;
    /// The same with whatever was in it, where that is cheaper.
    virtual base::Result<PhysicalAddress> allocate_page() { return allocate_zeroed_page(); }
    virtual void free_page(PhysicalAddress page) = 0;
    /// `count` adjacent frames, filled with zeros, for ever: rings and buffers of devices. Thread context.
    /// Error::NoMemory also where an allocator has single frames only.
    virtual base::Result<PhysicalAddress> allocate_adjacent_pages(size_t) { return base::fail(base::Error::NoMemory); }
    /// Where the kernel reads and writes the frame; valid until it is freed.
    virtual void* to_pointer(PhysicalAddress page) = 0;

protected:
    ~PageAllocator() = default;
};

} // namespace memory
