#include "libos/vsock/Table.h"

#include <algorithm>
#include <bit>
#include <new>

namespace vsock {

namespace {

/// Takes `endpoint` out of a list through `next`.
template <Endpoint* Endpoint::* Next>
void unlink(Endpoint*& first, Endpoint& endpoint) {
    auto** place = &first;
    while (*place != &endpoint) {
        ASSERT(*place != nullptr);
        place = &((*place)->*Next);
    }
    *place = endpoint.*Next;
}

} // namespace

Table::~Table() {
    delete[] m_endpoints;
    delete[] m_connections;
    delete[] m_owners;
}

base::Result<> Table::allocate(uint32_t count) {
    uint32_t buckets = std::bit_ceil(std::max(count, uint32_t{16}));
    m_endpoints = new (std::nothrow) Endpoint[count];
    m_connections = new (std::nothrow) Endpoint* [buckets] {};
    m_owners = new (std::nothrow) Endpoint* [buckets] {};
    if (m_endpoints == nullptr || m_connections == nullptr || m_owners == nullptr)
        return base::fail(base::Error::NoMemory);
    m_bucket_mask = buckets - 1;
    m_count = count;
    for (uint32_t i = count; i-- > 0;)
        give_back(m_endpoints[i]);
    return {};
}

Endpoint* Table::take() {
    auto* endpoint = m_free;
    if (endpoint == nullptr)
        return nullptr;
    m_free = endpoint->free_next;
    --m_free_count;
    return endpoint;
}

void Table::give_back(Endpoint& endpoint) {
    remove_owner(endpoint);
    endpoint.state = Endpoint::State::Free;
    endpoint.free_next = m_free;
    m_free = &endpoint;
    ++m_free_count;
}

uint32_t Table::bucket(uint32_t local_port, uint32_t peer_cid, uint32_t peer_port) const {
    // Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4): the high bits are the mixed ones.
    constexpr uint64_t factor = 0x9e3779b97f4a7c15;
    uint64_t key = uint64_t{local_port} << 32 | peer_port;
    return static_cast<uint32_t>((key * factor + peer_cid) * factor >> 32) & m_bucket_mask;
}

void Table::add_connection(Endpoint& endpoint) {
    auto& first = m_connections[bucket(endpoint.local_port, endpoint.peer_cid, endpoint.peer_port)];
    endpoint.connection_next = first;
    first = &endpoint;
}

void Table::remove_connection(Endpoint& endpoint) {
    unlink<&Endpoint::connection_next>(
        m_connections[bucket(endpoint.local_port, endpoint.peer_cid, endpoint.peer_port)], endpoint);
}

Endpoint* Table::find_connection(uint32_t local_port, uint32_t peer_cid, uint32_t peer_port) const {
    auto* endpoint = m_connections[bucket(local_port, peer_cid, peer_port)];
    while (endpoint != nullptr &&
           (endpoint->local_port != local_port || endpoint->peer_cid != peer_cid || endpoint->peer_port != peer_port))
        endpoint = endpoint->connection_next;
    return endpoint;
}

void Table::add_owner(Endpoint& endpoint, uint32_t port) {
    endpoint.local_port = port;
    endpoint.owns_port = true;
    auto& first = m_owners[bucket(port, 0, 0)];
    endpoint.owner_next = first;
    first = &endpoint;
}

void Table::remove_owner(Endpoint& endpoint) {
    if (!endpoint.owns_port)
        return;
    unlink<&Endpoint::owner_next>(m_owners[bucket(endpoint.local_port, 0, 0)], endpoint);
    endpoint.owns_port = false;
}

Endpoint* Table::find_owner(uint32_t port) const {
    auto* endpoint = m_owners[bucket(port, 0, 0)];
    while (endpoint != nullptr && endpoint->local_port != port)
        endpoint = endpoint->owner_next;
    return endpoint;
}

} // namespace vsock
