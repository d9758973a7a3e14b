// The macro, from the tables in this very executable to the bytes in a ring: its sites are patched in place.
#include "probes/Probe.h"

#include "probes/KernelEvents.h"
#include "probes/wire/Packet.h"
#include "tests/unit/probes/HostedCpu.h"
#include "tests/unit/probes/ProbedCode.h"
#include "tests/unit/probes/ProbedTemplate.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using probes::Registry;
using probes_test::HostedCpu;
using probes_test::HostedPatcher;
using probes_test::HostedRing;

std::string name_of(const wire::EventDescriptor& event) {
    return std::string(Registry::provider_of(event)) + ':' + std::string(Registry::name_of(event));
}

std::span<const wire::FieldDescriptor> fields_of(const wire::EventDescriptor& event) {
    return {reinterpret_cast<const wire::FieldDescriptor*>(event.fields), event.field_count};
}

/// An event read back: its name and its fields as text.
std::string text_of(const wire::EventDescriptor& event, uint16_t id, const std::byte* bytes) {
    std::string text = name_of(event);
    if (event.family_size != 0)
        text += "+" + std::to_string(id - event.id);
    size_t offset = 8;
    for (const auto& field : fields_of(event)) {
        text += std::string(" ") + reinterpret_cast<const char*>(field.name) + "=";
        auto type = static_cast<wire::FieldType>(field.type);
        if (type == wire::FieldType::Text) {
            text += std::string(reinterpret_cast<const char*>(bytes + offset), field.count).c_str();
            offset += field.count;
            continue;
        }
        if (type == wire::FieldType::String) {
            text += reinterpret_cast<const char*>(bytes + offset);
            offset += strlen(reinterpret_cast<const char*>(bytes + offset)) + 1;
            continue;
        }
        offset = (offset + field.size - 1) & ~(size_t{field.size} - 1);
        for (unsigned i = 0; i < field.count; ++i, offset += field.size) {
            uint64_t value = 0;
            std::memcpy(&value, bytes + offset, field.size);
            unsigned shift = 64 - 8 * field.size;
            char number[32];
            if (type == wire::FieldType::Signed)
                snprintf(number, sizeof number, "%lld", static_cast<long long>(value << shift) >> shift);
            else
                snprintf(number, sizeof number, type == wire::FieldType::Unsigned ? "%llu" : "0x%llx",
                         static_cast<unsigned long long>(value));
            text += (i != 0 ? "," : "") + std::string(number);
        }
    }
    return text;
}

class Probe : public testing::Test {
protected:
    Probe() {
        m_cpu.enter();
        EXPECT_TRUE(m_registry.assign_ids());
    }
    ~Probe() override { EXPECT_TRUE(m_registry.set_enabled("*", false, m_patcher)); }

    void enable(const char* pattern) { EXPECT_TRUE(m_registry.set_enabled(pattern, true, m_patcher)) << pattern; }

    const wire::EventDescriptor* find(uint16_t id) {
        for (const auto& event : m_registry.events())
            if (id >= event.id && id < event.id + std::max(1u, event.family_size))
                return &event;
        return nullptr;
    }

    std::vector<std::string> take() {
        std::vector<std::string> texts;
        EXPECT_TRUE(m_ring->flush());
        while (auto packet = m_ring->front()) {
            auto header = wire::packet_header(packet->bytes).value();
            auto bytes = packet->bytes.first(header.content_size / 8);
            for (size_t offset = sizeof header; offset < bytes.size();) {
                uint64_t word;
                std::memcpy(&word, &bytes[offset], sizeof word);
                const auto* event = find(wire::event_id(word));
                if (event == nullptr)
                    ADD_FAILURE() << "id " << wire::event_id(word);
                if (event == nullptr)
                    return texts;
                texts.push_back(text_of(*event, wire::event_id(word), &bytes[offset]));
                auto size = wire::event_size(fields_of(*event), bytes.subspan(offset));
                EXPECT_TRUE(size);
                offset += size.value_or(bytes.size());
            }
            m_ring->release();
        }
        return texts;
    }

    using Texts = std::vector<std::string>;
    HostedCpu m_cpu;
    HostedRing m_ring{m_cpu.block(), 4, 4096};
    Registry m_registry = Registry::of_image();
    HostedPatcher m_patcher;
};

TEST_F(Probe, DisabledSiteIsOneNopAndEmitsNothing) {
    for (const auto& site : m_registry.sites()) {
        EXPECT_EQ(std::memcmp(reinterpret_cast<const void*>(site.address), "\x0f\x1f\x44\x00\x00", 5), 0);
        EXPECT_EQ(site.state, 0u);
    }
    emit_int_and_u64(1, 2);
    EXPECT_EQ(take(), Texts{});
}

TEST_F(Probe, FieldsOfEveryKind) {
    enable("c_app:*");
    emit_nothing();
    emit_integers(-1, 255, -2, 65535, -3, 0xffffffff, INT64_MIN, UINT64_MAX);
    emit_texts("four\0\0\0", "a string", -7);
    int16_t three[3] = {1, -2, 3};
    emit_array(three, reinterpret_cast<void*>(0xdead0000));
    emit_shown(Blue, 0xbeef, 2);
    EXPECT_EQ(take(), (Texts{"c_app:nothing",
                             "c_app:integers a=-1 b=255 c=-2 d=65535 e=-3 f=4294967295 g=-9223372036854775808 "
                             "h=18446744073709551615",
                             "c_app:texts fixed=four string=a string after=-7",
                             "c_app:array three=1,-2,3 pointer=0xdead0000", "c_app:shown colour=7 hex=0xbeef yes=1"}));
}

TEST_F(Probe, StringsAreBoundedAndMayBeNull) {
    enable("c_app:texts");
    emit_texts("12345678", "1234567890123456789", 1);
    emit_texts("\0\0\0\0\0\0\0", nullptr, 2);
    EXPECT_EQ(take(), (Texts{"c_app:texts fixed=12345678 string=123456789012345 after=1",
                             "c_app:texts fixed= string= after=2"}));
}

TEST_F(Probe, LazyFieldIsComputedOnlyWhileEnabled) {
    int before = counted();
    emit_lazy(1);
    EXPECT_EQ(counted(), before + 1);
    enable("c_app:lazy");
    emit_lazy(2);
    EXPECT_EQ(take(), (Texts{"c_app:lazy eager=2 late=" + std::to_string(before + 2)}));
}

TEST_F(Probe, TemplatesAndInlineFunctionsShareDescriptors) {
    enable("cxx_app:*");
    emit_generic(int32_t{5});
    emit_generic(uint8_t{200});
    emit_inline(Kind::A);
    emit_from_the_other_unit();
    EXPECT_EQ(take(), (Texts{"cxx_app:generic value=5", "cxx_app:generic value=200", "cxx_app:in_inline kind=1",
                             "cxx_app:generic value=-5", "cxx_app:in_inline kind=200"}));
    size_t generic = 0, in_inline = 0;
    for (const auto& event : m_registry.events()) {
        generic += name_of(event) == "cxx_app:generic" ? 1 : 0;
        in_inline += name_of(event) == "cxx_app:in_inline" ? 1 : 0;
    }
    EXPECT_EQ(generic, 2u); // signed 4 bytes and unsigned 1 byte
    EXPECT_EQ(in_inline, 1u);
}

TEST_F(Probe, KernelEvents) {
    enable("*");
    char one[16] = "one";
    char two[16] = "fifteen letters";
    using namespace probes::kernel;
    sched_switch({one, 1, 20}, ThreadState::Interruptible, {two, 2, 20});
    uint64_t arguments[6] = {1, 2, 3, 4, 5, 6};
    syscall_entry(257, true, arguments);
    syscall_entry(999999, false, arguments);
    syscall_exit(257, true, -2);
    irq_handler_entry(32, "timer");
    statedump_process_state({one, 1, 20}, 1, 0, DumpedType::UserThread, DumpedMode::User, DumpedStatus::Waiting, 3);
    debugger_resume();
    EXPECT_EQ(
        take(),
        (Texts{"kernel:sched_switch prev_comm=one prev_tid=1 prev_prio=20 prev_state=1 next_comm=fifteen letters "
               "next_tid=2 next_prio=20",
               "kernel:syscall_entry+257 nr=257 arg0=0x1 arg1=0x2 arg2=0x3 arg3=0x4 arg4=0x5 arg5=0x6",
               "kernel:syscall_entry+511 nr=999999 arg0=0x1 arg1=0x2 arg2=0x3 arg3=0x4 arg4=0x5 arg5=0x6",
               "kernel:syscall_exit+257 nr=257 ret=-2", "kernel:irq_handler_entry irq=32 name=timer",
               "kernel:lttng_statedump_process_state tid=1 pid=1 ppid=0 name=one type=0 mode=0 submode=0 status=5 "
               "cpu=3",
               "kernel:debugger_resume"}));
}

TEST_F(Probe, SlowPathKeepsRegistersAndCounts) {
    enable("c_app:int_and_u64");
    uint64_t delivered = 0;
    for (int i = 0; i < 5000; ++i) {
        double pressure = i * 0.5; // lives in a vector register across the probe
        emit_int_and_u64(i, i);
        EXPECT_EQ(pressure * 2, i);
        if (i % 64 == 0)
            delivered += take().size();
    }
    delivered += take().size();
    EXPECT_EQ(delivered, 5000u);
    EXPECT_EQ(m_ring->totals().discarded, 0u);
}

TEST_F(Probe, RegistrySwitchesByName) {
    size_t kernel_sites = m_registry.set_enabled("sched_*", true, m_patcher).value();
    EXPECT_GT(kernel_sites, 0u);
    EXPECT_EQ(m_patcher.patched, kernel_sites);
    EXPECT_EQ(m_registry.set_enabled("kernel:sched_switch", true, m_patcher).value_or(0), 1u);
    EXPECT_EQ(m_patcher.patched, kernel_sites); // it was on already
    EXPECT_EQ(m_registry.set_enabled("sched_nothing", true, m_patcher).error(), base::Error::NoEntry);
    EXPECT_EQ(m_registry.set_enabled("int_and_u64", true, m_patcher).error(), base::Error::NoEntry);
    EXPECT_TRUE(m_registry.set_enabled("c_app:int_and_u64", true, m_patcher));
    for (const auto& event : m_registry.events()) {
        auto status = m_registry.status_of(event);
        bool on = name_of(event).starts_with("kernel:sched_") || name_of(event) == "c_app:int_and_u64";
        EXPECT_EQ(status.enabled, on ? status.sites : 0) << name_of(event);
        EXPECT_GT(status.sites, 0u);
    }
}

TEST_F(Probe, DescriptorOfAnotherVersionIsRefused) {
    wire::EventDescriptor event = m_registry.events().front();
    event.version = 2;
    EXPECT_EQ(Registry({&event, 1}, {}).assign_ids().error(), base::Error::NotSupported);
}

} // namespace
