#include "libos/fs/Page.h"

#include "libos/base/Bits.h"
#include "libos/fs/FileSystem.h"

#include <new>

namespace fs {

namespace {
constinit std::atomic<uint64_t> g_pages_in_use{0};
}

uint64_t pages_in_use() {
    return g_pages_in_use.load(std::memory_order_relaxed);
}

base::Result<base::Reference<Page>> Page::create() {
    auto limit = services().data_page_limit;
    if (limit != 0 && pages_in_use() >= limit)
        return base::fail(base::Error::NoSpace);
    auto address = services().pages.allocate_zeroed_page();
    if (!address)
        return base::fail(base::Error::NoSpace);
    auto* page = new (std::nothrow) Page(*address);
    if (!page) {
        services().pages.free_page(*address);
        return base::fail(base::Error::NoMemory);
    }
    g_pages_in_use.fetch_add(1, std::memory_order_relaxed);
    return base::Reference<Page>::adopt(page);
}

Page::~Page() {
    services().pages.free_page(m_address);
    g_pages_in_use.fetch_sub(1, std::memory_order_relaxed);
}

std::span<std::byte> Page::bytes() const {
    return {static_cast<std::byte*>(services().pages.to_pointer(m_address)), page_size};
}

struct PageMap::Node {
    // At level 0 a Page* that holds a count, above a Node*.
    void* children[fan_out] = {};

    Node* node(uint64_t i) const { return static_cast<Node*>(children[i]); }
    Page* page(uint64_t i) const { return static_cast<Page*>(children[i]); }
    bool is_empty() const {
        for (auto* child : children) {
            if (child)
                return false;
        }
        return true;
    }
};

bool PageMap::covers(uint64_t index) const {
    auto bits = m_levels * bits_a_level;
    return m_root && (bits >= 64 || (index >> bits) == 0);
}

Page* PageMap::find(uint64_t index) const {
    if (!covers(index))
        return nullptr;
    auto* node = m_root;
    for (auto level = m_levels - 1; level > 0; --level) {
        node = node->node((index >> (level * bits_a_level)) % fan_out);
        if (!node)
            return nullptr;
    }
    return node->page(index % fan_out);
}

base::Result<> PageMap::insert(uint64_t index, base::Reference<Page> page) {
    while (!covers(index)) {
        auto* root = new (std::nothrow) Node;
        if (!root)
            return base::fail(base::Error::NoMemory);
        root->children[0] = m_root;
        m_root = root;
        ++m_levels;
    }
    auto* node = m_root;
    for (auto level = m_levels - 1; level > 0; --level) {
        auto& child = node->children[(index >> (level * bits_a_level)) % fan_out];
        if (!child)
            child = new (std::nothrow) Node;
        if (!child)
            return base::fail(base::Error::NoMemory); // empty nodes stay until the next removal
        node = static_cast<Node*>(child);
    }
    auto& place = node->children[index % fan_out];
    ASSERT(!place);
    place = page.leak();
    ++m_count;
    return {};
}

/// Removes [first, last] below `node`, whose first index is `base`. True if the node became empty.
bool PageMap::remove_in(Node* node, unsigned level, uint64_t base, uint64_t first, uint64_t last) {
    auto shift = level * bits_a_level;
    for (uint64_t i = 0; i < fan_out; ++i) {
        if (!node->children[i])
            continue;
        auto child_first = base + (i << shift);
        auto child_last = child_first + ((uint64_t{1} << shift) - 1);
        if (child_last < first || child_first > last)
            continue;
        if (level == 0) {
            base::Reference<Page>::adopt(node->page(i)); // drops the count
            node->children[i] = nullptr;
            --m_count;
        } else if (remove_in(node->node(i), level - 1, child_first, first, last)) {
            delete node->node(i);
            node->children[i] = nullptr;
        }
    }
    return node->is_empty();
}

void PageMap::remove_range(uint64_t first, uint64_t last) {
    if (m_root && first <= last && remove_in(m_root, m_levels - 1, 0, first, last)) {
        delete m_root;
        m_root = nullptr;
        m_levels = 0;
    }
}

std::optional<uint64_t> PageMap::next_in(const Node* node, unsigned level, uint64_t base, uint64_t index) {
    auto shift = level * bits_a_level;
    auto start = index > base ? (index - base) >> shift : 0;
    for (auto i = start; i < fan_out; ++i) {
        if (!node->children[i])
            continue;
        auto child_base = base + (i << shift);
        if (level == 0)
            return child_base;
        if (auto found = next_in(node->node(i), level - 1, child_base, index))
            return found;
    }
    return std::nullopt;
}

std::optional<uint64_t> PageMap::next(uint64_t index) const {
    if (!covers(index))
        return std::nullopt;
    return next_in(m_root, m_levels - 1, 0, index);
}

} // namespace fs
