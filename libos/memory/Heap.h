#pragma once
// The kernel heap behind operator new(std::nothrow): power-of-two classes up to half a page from frames, larger blocks
// as whole pages in a virtual range of their own. Thread context, no lock held but the caller's own; a leaf.

#include <cstddef>

namespace memory {

/// nullptr when memory ran out. Alignment 16, or a page for blocks over half a page.
void* heap_allocate(size_t size);
void heap_free(void* block);

} // namespace memory
