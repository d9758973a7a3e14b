#include "tracer/analysis/SyntheticTrace.h"

#include "tracer/analysis/TimelineBuilder.h"
#include "tracer/trace/TraceWriter.h"

#include <cassert>
#include <cstring>

namespace tracer {

SyntheticTrace::SyntheticTrace()
    : m_schema(core_schema()) {}

void SyntheticTrace::add_type(EventType type) {
    type.id = static_cast<uint16_t>(m_schema.types().size() + 1);
    (void)m_schema.add(std::move(type));
}

static std::vector<uint8_t> encode(const EventType& type, SyntheticTrace::Values values) {
    std::vector<uint8_t> bytes;
    for (const auto& field : type.fields) {
        const SyntheticTrace::Value* value = nullptr;
        for (const auto& given : values)
            if (given.first == field.name)
                value = &given.second;
        if (field.kind == FieldKind::String) {
            if (value)
                bytes.insert(bytes.end(), value->text.begin(), value->text.end());
            bytes.push_back(0);
            continue;
        }
        bool is_text = field.kind == FieldKind::Text;
        while (!is_text && bytes.size() % field.size != 0)
            bytes.push_back(0);
        size_t at = bytes.size();
        bytes.resize(at + size_t{field.size} * field.count);
        if (!value)
            continue;
        if (is_text)
            memcpy(bytes.data() + at, value->text.data(), std::min<size_t>(value->text.size(), field.size));
        else
            memcpy(bytes.data() + at, &value->number, field.size);
    }
    return bytes;
}

void SyntheticTrace::event(Time time, uint16_t cpu, std::string_view name, Values values) {
    const EventType* type = m_schema.find(name);
    assert(type);
    m_events.push_back({time, cpu, static_cast<uint16_t>(type - m_schema.types().data()), encode(*type, values)});
}

void SyntheticTrace::switch_to(Time time, uint16_t cpu, uint32_t tid, int64_t previous_state) {
    uint32_t previous = m_current[cpu];
    event(time, cpu, "sched_switch",
          {{"prev_tid", previous},
           {"prev_comm", m_names[previous]},
           {"prev_state", previous == 0 ? int64_t{0} : previous_state},
           {"next_tid", tid},
           {"next_comm", m_names[tid]}});
    m_current[cpu] = tid;
}

void SyntheticTrace::wake(Time time, uint16_t cpu, uint32_t tid) {
    event(time, cpu, "sched_waking", {{"tid", tid}, {"comm", m_names[tid]}, {"target_cpu", uint32_t{cpu}}});
}

void SyntheticTrace::system_call(Time begin, Time end, uint16_t cpu, uint32_t number, int64_t result) {
    event(begin, cpu, "syscall_entry", {{"nr", number}});
    event(end, cpu, "syscall_exit", {{"nr", number}, {"ret", result}});
}

void SyntheticTrace::sample(Time time, uint16_t cpu, uint32_t tid, uint64_t ip) {
    event(time, cpu, "tick_sample", {{"tid", tid}, {"ip", ip}});
}

std::vector<SyntheticTrace::Event> SyntheticTrace::events() const {
    auto sorted = m_events;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
    return sorted;
}

Timeline SyntheticTrace::timeline() const {
    auto storage = std::make_shared<std::vector<Event>>(events());
    TimelineBuilder builder(m_schema);
    builder.reserve(storage->size());
    builder.keep(storage);
    builder.set_origin(static_cast<int64_t>(origin) + (storage->empty() ? 0 : storage->front().time));
    builder.set_identity({.image_path = "/build/shop", .build_id = "", .instance = "shop", .tsc_hz = 1'000'000'000});
    Time origin = storage->empty() ? 0 : storage->front().time;
    for (const auto& event : *storage)
        builder.add(event.time - origin, event.cpu, event.type, event.payload.data());
    return std::move(builder).finish();
}

wire::HelloMessage SyntheticTrace::hello() {
    wire::HelloMessage hello{};
    hello.cpu_count = 1;
    hello.tsc_hz = 1'000'000'000;
    hello.realtime_ns = origin;
    return hello;
}

std::vector<std::vector<uint8_t>> SyntheticTrace::packets(uint16_t cpu, size_t sub_buffer_size) const {
    std::vector<std::vector<uint8_t>> result;
    wire::PacketHeader header{};
    uint64_t produced = 0;
    auto close = [&] {
        auto& bytes = result.back();
        header.content_size = bytes.size() * 8;
        header.events_produced = produced;
        bytes.resize(sub_buffer_size);
        memcpy(bytes.data(), &header, sizeof(header));
    };
    for (const auto& event : events()) {
        if (event.cpu != cpu)
            continue;
        size_t size = sizeof(uint64_t) + ((event.payload.size() + 7) & ~size_t{7});
        auto ticks = static_cast<uint64_t>(event.time);
        if (result.empty() || result.back().size() + size > sub_buffer_size) {
            if (!result.empty())
                close();
            header = {.magic = wire::packet_magic,
                      .uuid = {},
                      .stream_id = wire::event_stream_id,
                      .timestamp_begin = ticks,
                      .timestamp_end = ticks,
                      .content_size = 0,
                      .packet_size = sub_buffer_size * 8,
                      .packet_seq_num = result.size(),
                      .events_discarded = 0,
                      .events_produced = 0,
                      .cpu_id = cpu,
                      .event_count = 0};
            result.emplace_back(sizeof(header));
        }
        auto& bytes = result.back();
        uint64_t word = wire::event_header(m_schema.types()[event.type].id, ticks);
        size_t at = bytes.size();
        bytes.resize(at + size);
        memcpy(bytes.data() + at, &word, sizeof(word));
        memcpy(bytes.data() + at + sizeof(word), event.payload.data(), event.payload.size());
        header.timestamp_end = ticks;
        ++header.event_count;
        ++produced;
    }
    if (!result.empty())
        close();
    return result;
}

Result<> SyntheticTrace::write(const std::filesystem::path& path, size_t sub_buffer_size) const {
    auto info = make_recording_info(hello(), "shop", "/build/shop");
    auto writer = TRY(TraceWriter::create(path, std::move(info), m_schema));
    std::map<uint16_t, bool> cpus;
    for (const auto& event : m_events)
        cpus[event.cpu] = true;
    for (const auto& [cpu, used] : cpus)
        for (const auto& packet : packets(cpu, sub_buffer_size))
            TRY(writer.add_packet(packet));
    return writer.finish();
}

SyntheticTrace make_busy_trace(uint32_t cpus, uint32_t threads, Time duration) {
    SyntheticTrace trace;
    for (uint32_t i = 0; i < threads; ++i)
        trace.thread(100 + i, "worker " + std::to_string(i));
    uint64_t random = 88172645463325252;
    auto next = [&random](uint64_t below) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        return random % below;
    };
    static constexpr uint32_t calls[] = {0,  1,   17,
                                         18, 202, 230}; // read, write, pread64, pwrite64, futex, clock_nanosleep
    for (uint16_t cpu = 0; cpu < cpus; ++cpu) {
        Time now = 10 * (cpu + 1);
        Time next_tick = 0;
        while (now < duration) {
            // Threads stay on one CPU each, so that no thread runs on two at once.
            uint32_t tid = 100 + cpu + static_cast<uint32_t>(next(std::max<uint64_t>(threads / cpus, 1))) * cpus;
            if (tid >= 100 + threads)
                tid = 100 + cpu % threads;
            trace.wake(now, cpu, tid);
            trace.switch_to(now += 500 + static_cast<Time>(next(2'000)), cpu, tid);
            for (uint64_t i = 0, count = 1 + next(6); i < count; ++i) {
                now += 500 + static_cast<Time>(next(3'000));
                Time end = now + 300 + static_cast<Time>(next(4'000));
                trace.system_call(now, end, cpu, calls[next(4)], static_cast<int64_t>(next(4096)));
                now = end;
            }
            if (now >= next_tick) {
                trace.event(now += 100, cpu, "irq_handler_entry", {{"irq", 32}, {"name", "timer"}});
                trace.sample(now += 50, cpu, tid, 0x401000 + next(0x2000));
                trace.event(now += 100, cpu, "irq_handler_exit", {{"irq", 32}});
                next_tick = now + 100'000;
            }
            trace.event(now += 200, cpu, "syscall_entry", {{"nr", calls[4 + next(2)]}});
            trace.switch_to(now += 300, cpu, 0);
            now += 1'000 + static_cast<Time>(next(10'000));
            trace.wake(now, cpu, tid);
            trace.switch_to(now += 400, cpu, tid);
            trace.event(now += 200, cpu, "syscall_exit", {{"nr", 202}, {"ret", 0}});
            trace.switch_to(now += 500, cpu, 0);
            now += 2'000;
        }
    }
    return trace;
}

} // namespace tracer
