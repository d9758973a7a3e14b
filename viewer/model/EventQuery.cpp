#include "viewer/model/EventQuery.h"

#include "viewer/model/LaneFilter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace viewer {

EventQuery::EventQuery(const Index& index, std::string_view text)
    : m_index(&index) {
    constexpr std::array prefixes{
        std::pair{std::string_view("cpu:"), Word::Where::Cpu},
        std::pair{std::string_view("tid:"), Word::Where::Tid},
        std::pair{std::string_view("name:"), Word::Where::Name},
        std::pair{std::string_view("thread:"), Word::Where::Thread},
    };
    while (!text.empty()) {
        size_t space = text.find(' ');
        std::string_view token = text.substr(0, space);
        text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
        Word word;
        if (token.size() > 1 && token.front() == '-') {
            word.is_negated = true;
            token.remove_prefix(1);
        }
        for (const auto& [prefix, where] : prefixes) {
            if (token.starts_with(prefix)) {
                word.where = where;
                token.remove_prefix(prefix.size());
                break;
            }
        }
        if (token.empty())
            continue; // still being typed
        word.text = token;
        std::from_chars(token.data(), token.data() + token.size(), word.number);
        const tracer::Timeline& timeline = index.timeline();
        for (const tracer::EventType& type : timeline.schema().types())
            word.types.push_back(contains_ignoring_case(type.name, token));
        for (tracer::ThreadIndex thread = 0; thread < timeline.threads().size(); ++thread)
            word.threads.push_back(word.where == Word::Where::Tid
                                       ? timeline.threads()[thread].tid == word.number
                                       : contains_ignoring_case(timeline.thread_label(thread), token));
        word.threads.push_back(word.where == Word::Where::Tid ? word.number == 0
                                                              : contains_ignoring_case("idle", token));
        m_words.push_back(std::move(word));
    }
}

bool EventQuery::finds(const Word& word, std::uint32_t row) const {
    const tracer::Events& events = m_index->timeline().events();
    auto thread_matches = [&] { return word.threads[std::min<size_t>(events.thread[row], word.threads.size() - 1)]; };
    switch (word.where) {
    case Word::Where::Cpu:
        return events.cpu[row] == word.number;
    case Word::Where::Tid:
    case Word::Where::Thread:
        return thread_matches();
    case Word::Where::Name:
        return word.types[events.type[row]];
    case Word::Where::Anywhere:
        break;
    }
    return word.types[events.type[row]] || thread_matches() ||
           contains_ignoring_case(m_index->timeline().fields_text(row), word.text);
}

bool EventQuery::matches(std::uint32_t row) const {
    return std::all_of(m_words.begin(), m_words.end(),
                       [&](const Word& word) { return finds(word, row) != word.is_negated; });
}

std::vector<std::uint32_t> EventQuery::all_matches(const std::function<bool(double)>& progress) const {
    std::vector<std::uint32_t> rows;
    if (!m_index)
        return rows;
    const auto count = static_cast<std::uint32_t>(m_index->timeline().events().size());
    for (std::uint32_t row = 0; row < count; ++row) {
        if (row % 65536 == 0 && progress && !progress(static_cast<double>(row) / count))
            return {};
        if (matches(row))
            rows.push_back(row);
    }
    return rows;
}

} // namespace viewer
