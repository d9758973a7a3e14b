#pragma once
// The Linux x86-64 system call ABI of sockets, as fs/Abi.h is that of files.
// Source: include/linux/socket.h, include/linux/net.h, include/uapi/asm-generic/socket.h and
// include/uapi/linux/vm_sockets.h of Linux; socket(2), socket(7), vsock(7).
// NOLINTBEGIN(readability-identifier-naming): the names are the ABI's.

#include <cstdint>

namespace fs::abi {

inline constexpr int af_vsock = 40;
inline constexpr int af_max = 46;

inline constexpr int sock_stream = 1;
inline constexpr int sock_dgram = 2;
inline constexpr int sock_max = 11;
inline constexpr int sock_type_mask = 0xf;
inline constexpr int sock_nonblock = 04000;
inline constexpr int sock_cloexec = 02000000;

inline constexpr int msg_oob = 0x1;
inline constexpr int msg_peek = 0x2;
inline constexpr int msg_dontwait = 0x40;
inline constexpr int msg_waitall = 0x100;
inline constexpr int msg_nosignal = 0x4000;

inline constexpr int sol_socket = 1;
inline constexpr int so_debug = 1;
inline constexpr int so_reuseaddr = 2;
inline constexpr int so_type = 3;
inline constexpr int so_error = 4;
inline constexpr int so_dontroute = 5;
inline constexpr int so_broadcast = 6;
inline constexpr int so_sndbuf = 7;
inline constexpr int so_rcvbuf = 8;
inline constexpr int so_keepalive = 9;
inline constexpr int so_oobinline = 10;
inline constexpr int so_priority = 12;
inline constexpr int so_linger = 13;
inline constexpr int so_reuseport = 15;
inline constexpr int so_rcvlowat = 18;
inline constexpr int so_sndlowat = 19;
inline constexpr int so_rcvtimeo = 20;
inline constexpr int so_sndtimeo = 21;
inline constexpr int so_acceptconn = 30;
inline constexpr int so_protocol = 38;
inline constexpr int so_domain = 39;
inline constexpr int so_rcvtimeo_new = 66;
inline constexpr int so_sndtimeo_new = 67;

inline constexpr int so_vm_sockets_buffer_size = 0;
inline constexpr int so_vm_sockets_buffer_min_size = 1;
inline constexpr int so_vm_sockets_buffer_max_size = 2;
inline constexpr int so_vm_sockets_connect_timeout_old = 6;
inline constexpr int so_vm_sockets_connect_timeout_new = 8;
/// _IO(7, 0xb9), of /dev/vsock.
inline constexpr uint32_t ioctl_vm_sockets_get_local_cid = 0x7b9;

inline constexpr int shut_rd = 0;
inline constexpr int shut_rdwr = 2;

inline constexpr uint32_t max_address = 128; // sizeof(sockaddr_storage)

struct sockaddr_vm {
    uint16_t svm_family;
    uint16_t svm_reserved1;
    uint32_t svm_port;
    uint32_t svm_cid;
    uint8_t svm_flags;
    uint8_t svm_zero[3];
};
static_assert(sizeof(sockaddr_vm) == 16);
inline constexpr uint8_t vmaddr_flag_to_host = 1;

struct timeval {
    int64_t tv_sec;
    int64_t tv_usec;
};

struct linger {
    int32_t l_onoff;
    int32_t l_linger;
};

struct msghdr {
    uint64_t msg_name;
    uint32_t msg_namelen;
    uint32_t padding;
    uint64_t msg_iov;
    uint64_t msg_iovlen;
    uint64_t msg_control;
    uint64_t msg_controllen;
    uint32_t msg_flags;
    uint32_t padding_after;
};
static_assert(sizeof(msghdr) == 56);

inline constexpr uint64_t uio_maxiov = 1024;

// NOLINTEND(readability-identifier-naming)

} // namespace fs::abi
