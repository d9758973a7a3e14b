#include "viewer/model/LaneFilter.h"

#include <algorithm>

namespace viewer {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
    size_t p = 0;
    size_t t = 0;
    size_t star = std::string_view::npos;
    size_t retry = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(text[t]))) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

bool LaneFilter::shows(const Lane& lane, std::uint32_t index) const {
    if (hidden.contains(index))
        return false;
    bool any_pattern = false;
    std::string_view rest = pattern;
    while (!rest.empty()) {
        size_t comma = rest.find(',');
        std::string_view part = rest.substr(0, comma);
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        if (part.empty())
            continue;
        any_pattern = true;
        bool is_glob = part.find_first_of("*?") != std::string_view::npos;
        for (std::string_view text : {std::string_view(lane.name), std::string_view(lane.note)}) {
            if (is_glob ? glob_matches(part, text) : contains_ignoring_case(text, part))
                return true;
        }
    }
    return !any_pattern;
}

} // namespace viewer
