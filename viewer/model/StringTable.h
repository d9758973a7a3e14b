#pragma once
// StringTable: each different text once, named by a number. Filled by one thread, const afterwards.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace viewer {

class StringTable {
public:
    std::uint32_t intern(std::string_view text) {
        auto found = m_ids.find(text);
        if (found != m_ids.end())
            return found->second;
        auto id = static_cast<std::uint32_t>(m_texts.size());
        m_ids.emplace(m_texts.emplace_back(text), id); // a deque does not move its elements: the view stays valid
        return id;
    }
    const std::string& text(std::uint32_t id) const { return m_texts[id]; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(m_texts.size()); }

private:
    std::deque<std::string> m_texts;
    std::unordered_map<std::string_view, std::uint32_t> m_ids;
};

} // namespace viewer
