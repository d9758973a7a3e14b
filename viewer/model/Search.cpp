#include "viewer/model/Search.h"

#include "viewer/model/LaneFilter.h"

#include <tuple>
#include <vector>

namespace viewer {
namespace {

// Intervals in order of time; those that begin together in the order of their place on the screen.
using Place = std::tuple<Time, std::uint32_t, std::uint32_t>;

Place place_of(const Index& index, Pick pick) {
    return {index.interval(pick).begin, pick.lane, pick.track};
}

class Finder {
public:
    Finder(const Index& index, const LaneLayout& layout, std::string_view text)
        : m_index(index)
        , m_layout(layout)
        , m_matches(index.labels().size()) {
        for (std::uint32_t label = 0; label < m_matches.size(); ++label)
            m_matches[label] = contains_ignoring_case(index.labels().text(label), text);
    }

    std::optional<Pick> first_behind(Place from) const {
        std::optional<Pick> best;
        for_each_track([&](std::uint32_t lane, std::uint32_t t, const Track& track) {
            for (std::uint32_t i = track.first_beginning_at(std::get<0>(from)); i < track.size(); ++i) {
                if (best && track.begin(i) > m_index.interval(*best).begin)
                    return;
                if (m_matches[track.label(i)] && Place{track.begin(i), lane, t} > from) {
                    if (!best || Place{track.begin(i), lane, t} < place_of(m_index, *best))
                        best = Pick{lane, t, i};
                    return;
                }
            }
        });
        return best;
    }

    std::optional<Pick> last_before(Place from) const {
        std::optional<Pick> best;
        for_each_track([&](std::uint32_t lane, std::uint32_t t, const Track& track) {
            for (std::uint32_t i = track.first_beginning_at(std::get<0>(from) + 1); i-- > 0;) {
                if (best && track.begin(i) < m_index.interval(*best).begin)
                    return;
                if (m_matches[track.label(i)] && Place{track.begin(i), lane, t} < from) {
                    if (!best || Place{track.begin(i), lane, t} > place_of(m_index, *best))
                        best = Pick{lane, t, i};
                    return;
                }
            }
        });
        return best;
    }

private:
    template <typename Visit>
    void for_each_track(Visit visit) const {
        for (const LaneRow& row : m_layout.lanes()) {
            const auto& tracks = m_index.lanes()[row.lane].tracks;
            for (std::uint32_t t = 0; t < tracks.size(); ++t) {
                // States are on every screen already: "running" would find nothing but them.
                if (tracks[t].role != TrackRole::State)
                    visit(row.lane, t, tracks[t].track);
            }
        }
    }

    const Index& m_index;
    const LaneLayout& m_layout;
    std::vector<bool> m_matches; // by label
};

} // namespace

std::optional<Pick> find_next(const Index& index, const LaneLayout& layout, std::string_view text,
                              std::optional<Pick> from, Time from_time, bool backwards) {
    if (text.empty())
        return std::nullopt;
    Finder finder(index, layout, text);
    constexpr std::uint32_t last_lane = 0xffff'ffff;
    Place start = from ? place_of(index, *from) : Place{from_time, backwards ? 0 : last_lane, 0};
    if (!from && !backwards)
        start = {from_time - 1, last_lane, 0};
    if (backwards) {
        auto found = finder.last_before(start);
        return found ? found : finder.last_before({index.whole().end, last_lane, 0});
    }
    auto found = finder.first_behind(start);
    return found ? found : finder.first_behind({index.whole().begin - 1, 0, 0});
}

} // namespace viewer
