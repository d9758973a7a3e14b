#pragma once
// Builds newc cpio archives for tests.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

namespace fs_test {

class CpioImage {
public:
    void add(const std::string& name, uint32_t mode, const std::string& data = {}) { append(name, mode, data, 0, 1); }
    /// A regular file with several names.
    void add_linked(const std::string& name, const std::string& data, uint32_t inode) {
        append(name, 0100644, data, inode, 2);
    }
    void end() { append("TRAILER!!!", 0, {}, 0, 1); }

    std::span<const std::byte> bytes() const { return std::as_bytes(std::span(m_bytes)); }

private:
    void append(const std::string& name, uint32_t mode, const std::string& data, uint32_t inode, uint32_t links) {
        char header[111];
        std::snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", inode,
                      mode, 0u, 0u, links, 1234u, data.size(), 0u, 0u, 1u, 3u, name.size() + 1, 0u);
        m_bytes += header + name + '\0';
        pad();
        m_bytes += data;
        pad();
    }
    void pad() { m_bytes.resize((m_bytes.size() + 3) / 4 * 4); }

    std::string m_bytes;
};

} // namespace fs_test
