#include "libos/vsock/Vsock.h"

#include "libos/fs/OpenFile.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/vsock/Channel.h"
#include "libos/vsock/SocketFamily.h"

#include <arch/Processor.h>

#include <algorithm>
#include <new>

namespace vsock {

namespace {

constinit Engine* g_engine = nullptr;
constinit SocketFamily* g_sockets = nullptr;
constinit uint64_t g_timestamp_hz = 0;

constexpr uint64_t poll_interval_ns = 5'000'000;
constexpr unsigned memory_share = 8; // of memory, one part for the sockets' receive buffers

/// Ports that are given out begin somewhere else in each run, so that what is left of the last one meets nobody.
uint32_t first_port() {
    constexpr uint32_t first = 1u << 16, count = 1u << 30;
    return first + static_cast<uint32_t>(arch::timestamp() * 0x9e3779b97f4a7c15 >> 32) % count;
}

void keep_time(void*) {
    auto& engine = *g_engine;
    for (;;) {
        auto seen = engine.timer_event.count();
        auto deadline = engine.next_deadline();
        auto now = sched::monotonic_ns();
        if (deadline <= now) {
            engine.expire();
            continue;
        }
        if (engine.needs_polling()) {
            engine.service();
            deadline = std::min(deadline, now + poll_interval_ns);
        }
        (void)engine.timer_event.wait(seen, deadline);
    }
}

} // namespace

void start(drivers::SocketDevice* device, drivers::Platform& platform, uint32_t max_connections) {
    if (device == nullptr)
        return;
    auto& memory = memory::physical_memory();
    auto* engine = new (std::nothrow) Engine(*device, memory,
                                             {.max_endpoints = max_connections,
                                              .first_port = first_port(),
                                              .now = sched::monotonic_ns,
                                              .readiness_changed = fs::readiness_changed});
    if (engine == nullptr || !engine->start()) {
        platform.log("virtio-vsock: no memory for connections");
        return; // the engine stays: the device may know it already
    }
    auto* sockets = new (std::nothrow) SocketFamily(*engine, memory.total_pages() / memory_share);
    auto thread = sched::Thread::create_kernel("vsock", keep_time, nullptr);
    if (sockets == nullptr || !thread) {
        platform.log("virtio-vsock: no memory for sockets");
        return;
    }
    g_engine = engine;
    g_sockets = sockets;
    g_timestamp_hz = platform.timestamp_hz();
    sched::scheduler().start(**thread, sched::Scheduler::Placement::Here);
}

drivers::ByteChannel* open_channel(uint32_t port) {
    if (g_engine == nullptr)
        return nullptr;
    auto* channel = new (std::nothrow) Channel(*g_engine, port, g_timestamp_hz);
    if (channel == nullptr)
        return nullptr;
    if (!channel->open()) {
        delete channel;
        return nullptr;
    }
    return channel;
}

fs::SocketSource* sockets() {
    return g_sockets;
}

} // namespace vsock
