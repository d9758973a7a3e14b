#pragma once
// Table: all endpoints of the app's sockets, a bounded number; and who has which port, and which connection. Guarded by
// the engine's lock.

#include "libos/vsock/Endpoint.h"

namespace vsock {

class Table {
public:
    Table() = default;
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    ~Table();

    /// Once. Error::NoMemory.
    base::Result<> allocate(uint32_t count);
    uint32_t count() const { return m_count; }
    uint32_t free_count() const { return m_free_count; }
    Endpoint& at(uint32_t index) { return m_endpoints[index]; }

    /// A free endpoint; nullptr when the table is full.
    Endpoint* take();
    /// Its port is free again, too.
    void give_back(Endpoint& endpoint);

    /// By local_port, peer_cid and peer_port, which stay as they are while it is in.
    void add_connection(Endpoint& endpoint);
    void remove_connection(Endpoint& endpoint);
    Endpoint* find_connection(uint32_t local_port, uint32_t peer_cid, uint32_t peer_port) const;

    void add_owner(Endpoint& endpoint, uint32_t port);
    void remove_owner(Endpoint& endpoint);
    Endpoint* find_owner(uint32_t port) const;

private:
    uint32_t bucket(uint32_t local_port, uint32_t peer_cid, uint32_t peer_port) const;

    Endpoint* m_endpoints = nullptr;
    Endpoint** m_connections = nullptr; // buckets, a power of two of them
    Endpoint** m_owners = nullptr;
    uint32_t m_bucket_mask = 0;
    uint32_t m_count = 0;
    uint32_t m_free_count = 0;
    Endpoint* m_free = nullptr;
};

} // namespace vsock
