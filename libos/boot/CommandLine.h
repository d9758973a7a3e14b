#pragma once
// The kernel command line: docs/channels.md says what the words mean. Pure; the text comes from the boot loader and is
// untrusted.

#include "libos/console/Console.h"
#include "libos/links/Links.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace boot {

struct CommandLine {
    static constexpr size_t max_words = 256;

    enum class Wait : uint8_t { No, App, Boot };

    std::array<std::string_view, max_words> arguments; ///< argv, argv[0] first
    size_t argument_count = 0;
    std::array<std::string_view, max_words> environment; ///< NAME=VALUE
    size_t environment_count = 0;
    Wait wait = Wait::No;
    console::Input input = console::Input::None;
    links::SerialUse serial = links::SerialUse::Console;
    bool trace = true;
    bool kill_allowed = false;
    bool debug_open = false;               ///< no key is asked for
    std::array<std::string_view, 32> keys; ///< values of uniscope.key=
    size_t key_count = 0;
    bool faults_allowed = false;
    uint32_t tick_hz = 100;
    uint32_t log_level = 0;
    uint32_t vsock_connections = 1024;
    uint64_t watchdog_seconds = 10;
    uint64_t deadman_seconds = 10;
    uint64_t sub_buffer_size = 0; ///< 0: by memory size
    uint64_t sub_buffer_count = 0;
    uint64_t realtime_ns = 0;                 ///< the host's clock at start; 0: from the machine's RTC
    std::array<std::string_view, 32> devices; ///< values of virtio_mmio.device=
    size_t device_count = 0;
    bool truncated = false; ///< more words than there is room for
};

/// Decodes in place: the result's views point into `text`, each followed by a 0 byte.
CommandLine parse_command_line(std::span<char> text);

} // namespace boot
