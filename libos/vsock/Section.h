#pragma once
// Section: the engine's lock for a scope in thread context. At its end what waits is sent, and who has to know is told.

#include "libos/vsock/Engine.h"

namespace vsock {

class [[nodiscard]] Section {
public:
    explicit Section(Engine& engine)
        : m_engine(engine)
        , m_state(engine.m_lock.lock()) {}
    ~Section();
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

private:
    Engine& m_engine;
    arch::InterruptState m_state;
};

} // namespace vsock
