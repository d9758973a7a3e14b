#include "Kernel.h"
#include "libos/fs/Page.h"

#include <map>
#include <random>

namespace {

using fs_test::Kernel;

class PageMapTest : public Kernel {};

TEST_F(PageMapTest, AgreesWithAnOrderedMap) {
    std::mt19937_64 random(1);
    fs::PageMap map;
    std::map<uint64_t, fs::Page*> model;
    auto any_index = [&] { return random() >> (random() % 60 + 4); };
    for (int i = 0; i < 3000; ++i) {
        auto index = any_index();
        if (random() % 4 != 0) {
            if (!map.find(index)) {
                auto page = fs::Page::create();
                ASSERT_TRUE(page);
                model[index] = page->get();
                ASSERT_TRUE(map.insert(index, *page));
            }
        } else {
            auto last = index + any_index();
            if (random() % 8 != 0)
                last = index + random() % 100;
            map.remove_range(index, last);
            model.erase(model.lower_bound(index), model.upper_bound(last));
        }
        ASSERT_EQ(map.count(), model.size());
        auto probe = any_index();
        auto expected = model.lower_bound(probe);
        auto next = map.next(probe);
        ASSERT_EQ(next.has_value(), expected != model.end());
        if (next) {
            ASSERT_EQ(*next, expected->first);
            ASSERT_EQ(map.find(*next), expected->second);
        }
    }
}

} // namespace
