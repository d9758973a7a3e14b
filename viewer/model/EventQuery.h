#pragma once
// EventQuery: the words of the event list's filter box.
//
// Every word must be found in the event's name, its thread's name or its fields, whatever the case. `cpu:1`, `tid:12`,
// `name:read` and `thread:worker` ask for one of them only; a - before a word asks for events without it.

#include "viewer/model/Index.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace viewer {

class EventQuery {
public:
    EventQuery() = default;
    /// What a word finds in names is looked up here, once; a field's text is made only for events that need it.
    EventQuery(const Index& index, std::string_view text);

    bool is_empty() const { return m_words.empty(); }
    bool matches(std::uint32_t row) const;

    /// All rows that match. Cancelled, and then empty, when `progress` (asked every 65536 rows) says false.
    std::vector<std::uint32_t> all_matches(const std::function<bool(double)>& progress = {}) const;

private:
    struct Word {
        enum class Where : std::uint8_t { Anywhere, Cpu, Tid, Name, Thread };
        Where where = Where::Anywhere;
        bool is_negated = false;
        std::string text;
        std::uint32_t number = 0;
        std::vector<bool> types;   // by index of the type: does its name match?
        std::vector<bool> threads; // by ThreadIndex; the last one is idle
    };
    bool finds(const Word& word, std::uint32_t row) const;

    const Index* m_index = nullptr;
    std::vector<Word> m_words;
};

} // namespace viewer
