#pragma once
// The CLI's way to ask an instance's supervisor for something: one JSON object a line, one answer each.
//
//     {"do": "status"}                 → {"ok": true, "state": "running", …}
//     {"do": "quit" | "kill"}          → {"ok": true}, when it is under way
//     {"do": "wait"}                   → {"ok": true, "status": 0}, when the instance has ended
//     {"do": "dump", "path": "/…"}     → {"ok": true}, when QEMU has written the dump
//     {"do": "steal", "what": "gdb" | "recording"}   → {"ok": true}, when whoever had it has gone
//     {"do": "reach", "what": "gdb" | "trace", "steal": true}   → {"ok": true}, when the channel to the instance is
//     open
//     {"do": "hold"}                   → {"ok": true}; the connection keeps an instance that was added for the time of
//                                        a verb
//     {"do": "forget"}                 → {"ok": true}: the end of an added instance's supervisor, not of the instance
//     failure                          → {"ok": false, "message": "…", "hint": "…"}

#include "tracer/Result.h"
#include "tracer/link/Socket.h"

#include <nlohmann/json.hpp>

#include <chrono>

namespace tracer {

/// Keeps an instance that was added for the time of a verb, as long as the descriptor is open.
Result<FileDescriptor> hold(const std::filesystem::path& socket);

/// One request to the supervisor that listens on `socket`; blocks for at most `timeout`.
Result<nlohmann::json> manage(const std::filesystem::path& socket, const nlohmann::json& request,
                              std::chrono::milliseconds timeout);

} // namespace tracer
