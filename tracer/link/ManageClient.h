#pragma once
// The CLI's way to ask an instance's supervisor for something: one JSON object a line, one answer each.
//
//     {"do": "status"}                 → {"ok": true, "state": "running", …}
//     {"do": "quit" | "kill"}          → {"ok": true}, when it is under way
//     {"do": "wait"}                   → {"ok": true, "status": 0}, when the instance has ended
//     {"do": "dump", "path": "/…"}     → {"ok": true}, when QEMU has written the dump
//     failure                          → {"ok": false, "message": "…", "hint": "…"}

#include "tracer/Result.h"
#include "tracer/link/Socket.h"

#include <nlohmann/json.hpp>

#include <chrono>

namespace tracer {

/// One request to the supervisor that listens on `socket`; blocks for at most `timeout`.
Result<nlohmann::json> manage(const std::filesystem::path& socket, const nlohmann::json& request,
                              std::chrono::milliseconds timeout);

} // namespace tracer
