// Sockets, of whatever family there is.

#include "libos/fs/Socket.h"
#include "libos/fs/SyscallSupport.h"
#include "libos/fs/Syscalls.h"

#include <algorithm>
#include <array>

namespace fs {

using base::Error;
using base::fail;
using base::Result;
using syscalls::Arguments;

namespace {

/// An open socket, kept open.
struct SocketArgument {
    base::Reference<OpenFile> file;
    Socket* operator->() const { return file->as_socket(); }
};

Result<SocketArgument> socket_of(int descriptor) {
    auto file = TRY(file_of(descriptor));
    if (!file->as_socket())
        return fail(Error::NotSocket);
    return SocketArgument{std::move(file)};
}

Result<uint64_t> add_descriptor(base::Reference<OpenFile> file, int flags) {
    return TRY(file_system().descriptors().add(std::move(file), (flags & abi::sock_cloexec) != 0));
}

Result<SocketAddress> load_address(memory::UserAddress from, uint32_t length) {
    SocketAddress address;
    if (length > abi::max_address)
        return fail(Error::Invalid);
    address.length = length;
    TRY(memory::copy_from_user(std::span(address.bytes).first(length), from));
    return address;
}

/// Into a buffer whose size is at `length_at`, where the address' whole size is put.
Result<> store_address(const SocketAddress& address, memory::UserAddress to, memory::UserAddress length_at) {
    auto room = TRY(memory::read_user<int32_t>(length_at));
    if (room < 0)
        return fail(Error::Invalid);
    TRY(memory::copy_to_user(to, address.view().first(std::min(address.length, static_cast<uint32_t>(room)))));
    return memory::write_user(length_at, address.length);
}

/// MSG_NOSIGNAL: the number as a value, for the dispatcher raises SIGPIPE for the error.
Result<uint64_t> without_signal(const Result<size_t>& result, int flags) {
    if (!result && result.error() == Error::BrokenPipe && (flags & abi::msg_nosignal) != 0)
        return static_cast<uint64_t>(-static_cast<int64_t>(Error::BrokenPipe));
    return result;
}

constexpr int creation_flags = abi::sock_nonblock | abi::sock_cloexec;

Result<base::Reference<OpenFile>> make_socket(int family, int type, int protocol) {
    auto flags = type & ~abi::sock_type_mask;
    type &= abi::sock_type_mask;
    if ((flags & ~creation_flags) != 0)
        return fail(Error::Invalid);
    if (family < 0 || family >= abi::af_max)
        return fail(Error::AddressFamilyNotSupported);
    if (type >= abi::sock_max)
        return fail(Error::Invalid);
    auto* sockets = services().sockets;
    if (!sockets)
        return fail(Error::AddressFamilyNotSupported);
    static_assert(abi::sock_nonblock == abi::o_nonblock);
    return sockets->create(family, type, protocol, abi::o_rdwr | (flags & abi::sock_nonblock));
}

} // namespace

Result<uint64_t> sys_socket(const Arguments& a) {
    return add_descriptor(TRY(make_socket(a.as_int(0), a.as_int(1), a.as_int(2))), a.as_int(1));
}

Result<uint64_t> sys_socketpair(const Arguments& a) {
    TRY(make_socket(a.as_int(0), a.as_int(1), a.as_int(2)));
    return fail(Error::NotSupported); // no family that there is has pairs
}

Result<uint64_t> sys_bind(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    TRY(socket->bind(TRY(load_address(a.value[1], a.as_u32(2))).view()));
    return 0;
}

Result<uint64_t> sys_connect(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    TRY(socket->connect(TRY(load_address(a.value[1], a.as_u32(2))).view()));
    return 0;
}

Result<uint64_t> sys_listen(const Arguments& a) {
    TRY(TRY(socket_of(a.as_int(0)))->listen(a.as_int(1)));
    return 0;
}

namespace {

Result<uint64_t> accept_from(int descriptor, uint64_t address, uint64_t length_at, int flags) {
    if ((flags & ~creation_flags) != 0)
        return fail(Error::Invalid);
    auto socket = TRY(socket_of(descriptor));
    SocketAddress peer;
    auto file = TRY(socket->accept(flags & abi::sock_nonblock, peer));
    if (address != 0)
        TRY(store_address(peer, address, length_at));
    return add_descriptor(std::move(file), flags);
}

} // namespace

Result<uint64_t> sys_accept(const Arguments& a) {
    return accept_from(a.as_int(0), a.value[1], a.value[2], 0);
}
Result<uint64_t> sys_accept4(const Arguments& a) {
    return accept_from(a.as_int(0), a.value[1], a.value[2], a.as_int(3));
}

Result<uint64_t> sys_shutdown(const Arguments& a) {
    TRY(TRY(socket_of(a.as_int(0)))->shut_down(a.as_int(1)));
    return 0;
}

Result<uint64_t> sys_getsockname(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    TRY(store_address(TRY(socket->local_address()), a.value[1], a.value[2]));
    return 0;
}
Result<uint64_t> sys_getpeername(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    TRY(store_address(TRY(socket->peer_address()), a.value[1], a.value[2]));
    return 0;
}

Result<uint64_t> sys_sendto(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    MemoryPiece piece{a.value[1], std::min(a.value[2], max_transfer)};
    Transfer transfer(std::span(&piece, 1));
    if (a.value[4] != 0)
        TRY(load_address(a.value[4], a.as_u32(5)));
    return without_signal(socket->send(transfer, a.as_int(3), a.value[4] != 0 && a.as_u32(5) != 0), a.as_int(3));
}

Result<uint64_t> sys_recvfrom(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    MemoryPiece piece{a.value[1], std::min(a.value[2], max_transfer)};
    Transfer transfer(std::span(&piece, 1));
    auto count = TRY(socket->receive(transfer, a.as_int(3)));
    // A stream's bytes come from nobody in particular.
    if (a.value[4] != 0)
        TRY(store_address({}, a.value[4], a.value[5]));
    return count;
}

namespace {

Result<> load_vector(VectorArgument& vector, const abi::msghdr& header) {
    if (header.msg_iovlen > abi::uio_maxiov)
        return fail(Error::MessageTooLong);
    return vector.load(header.msg_iov, header.msg_iovlen);
}

} // namespace

Result<uint64_t> sys_sendmsg(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    auto header = TRY(memory::read_user<abi::msghdr>(a.value[1]));
    bool has_address = header.msg_name != 0 && header.msg_namelen != 0;
    if (has_address)
        TRY(load_address(header.msg_name, header.msg_namelen));
    VectorArgument vector;
    TRY(load_vector(vector, header));
    Transfer transfer(vector.pieces());
    return without_signal(socket->send(transfer, a.as_int(2), has_address), a.as_int(2));
}

Result<uint64_t> sys_recvmsg(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    auto header = TRY(memory::read_user<abi::msghdr>(a.value[1]));
    VectorArgument vector;
    TRY(load_vector(vector, header));
    Transfer transfer(vector.pieces());
    auto count = TRY(socket->receive(transfer, a.as_int(2)));
    header.msg_namelen = 0;
    header.msg_controllen = 0;
    header.msg_flags = 0;
    TRY(memory::write_user(a.value[1], header));
    return count;
}

namespace {
constexpr size_t max_option = 64; // no option is larger
} // namespace

Result<uint64_t> sys_setsockopt(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    if (a.as_int(4) < 0)
        return fail(Error::Invalid);
    std::array<std::byte, max_option> value;
    auto bytes = std::span(value).first(std::min<size_t>(a.as_u32(4), max_option));
    TRY(memory::copy_from_user(bytes, a.value[3]));
    TRY(socket->set_option(a.as_int(1), a.as_int(2), bytes));
    return 0;
}

Result<uint64_t> sys_getsockopt(const Arguments& a) {
    auto socket = TRY(socket_of(a.as_int(0)));
    auto room = TRY(memory::read_user<int32_t>(a.value[4]));
    if (room < 0)
        return fail(Error::Invalid);
    std::array<std::byte, max_option> value;
    auto length = TRY(socket->get_option(
        a.as_int(1), a.as_int(2), std::span(value).first(std::min<size_t>(static_cast<uint32_t>(room), max_option))));
    TRY(memory::copy_to_user(a.value[3], std::span(value).first(length)));
    TRY(memory::write_user(a.value[4], static_cast<int32_t>(length)));
    return 0;
}

} // namespace fs
