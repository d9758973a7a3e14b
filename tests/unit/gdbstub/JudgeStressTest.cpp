// Several CPUs judge at once while another one stops the world now and then and changes what they judge by. Built with
// ThreadSanitizer: what judging writes is atomic, and the stop is all that it takes to change the rest.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "gdbstub/PointTable.h"
#include "tests/unit/gdbstub/AgentBench.h"

namespace gdbstub::test {
namespace {

constexpr uint64_t addresses = 8;
constexpr int rounds = 200;
constexpr int judges = 3;

TEST(JudgeStress, PointsChangeInTheStoppedWorldOnly) {
    std::array<PointRecord, addresses> records;
    std::array<uint8_t, 256> code;
    PointTable table(records, code);
    // Whoever holds it shared runs; whoever holds it alone has stopped the world.
    std::shared_mutex world;
    std::atomic<bool> stop_wanted = false; // the mutex alone lets runners in before one who waits for all to stop
    std::atomic<bool> done = false;
    std::atomic<uint64_t> judged = 0;
    std::atomic<uint64_t> turns = 0;

    auto judge = [&] {
        AgentBench context;
        while (!done) {
            if (stop_wanted) {
                std::this_thread::yield();
                continue;
            }
            std::shared_lock running(world);
            for (uint64_t address = 0; address < addresses; ++address) {
                Judgement judgement = table.judge(address, context);
                // At even addresses the condition holds, at odd ones it does not.
                Verdict expected = address % 2 == 0 ? Verdict::Stop : Verdict::GoOn;
                ASSERT_TRUE(judgement.verdict == Verdict::NotOurs || judgement.verdict == expected) << address;
                ASSERT_FALSE(judgement.error);
                if (judgement.verdict != Verdict::NotOurs)
                    ++judged;
            }
            ++turns;
        }
    };
    std::vector<std::jthread> threads;
    for (int i = 0; i < judges; ++i)
        threads.emplace_back(judge);

    uint64_t evaluated = 0;
    auto remove = [&](PointRecord& record) {
        evaluated += record.evaluated;
        table.remove(record);
    };
    for (int i = 0; i < rounds; ++i) {
        for (uint64_t seen = turns; turns < seen + 2 * judges;)
            std::this_thread::yield();
        stop_wanted = true;
        std::unique_lock stopped(world);
        stop_wanted = false;
        Point point{.address = static_cast<uint64_t>(i * 5) % addresses};
        PointRecord* record = table.find(point);
        if (i % 3 == 0 && record != nullptr) {
            remove(*record);
            continue;
        }
        // The same condition in different lengths, so that code moves.
        std::string padding(static_cast<size_t>(i % 4) * 4, '2');
        std::string condition = "X" + std::to_string(3 + padding.size() / 2) + "," +
                                (point.address % 2 == 0 ? "220127" : "220027") + padding;
        ChangePoint command{.insert = true,
                            .type_untrusted = 0,
                            .address = point.address,
                            .kind_untrusted = 1,
                            .conditions = condition};
        ASSERT_TRUE(table.has_room_for(command, record));
        table.set_code(record != nullptr ? *record : table.add(point), command);
    }
    done = true;
    threads.clear();
    while (!table.records().empty())
        remove(table.records().front());
    EXPECT_EQ(evaluated, judged);
    EXPECT_GT(judged, uint64_t{rounds});
}

} // namespace
} // namespace gdbstub::test
