#include "tracer/vsock/VhostUserMessage.h"

#include "tests/unit/tracer/vsock/FakeGuest.h"

#include <gtest/gtest.h>

using namespace tracer::vsock;
using tracer::FileDescriptor;
using tracer::Result;

namespace {

template <typename Payload>
Result<Command> decode_value(Request request, const Payload& payload, size_t descriptors = 0, uint32_t flags = 1) {
    std::vector<FileDescriptor> sent(descriptors);
    for (FileDescriptor& descriptor : sent)
        descriptor = test::make_event();
    const MessageHeader header{static_cast<uint32_t>(request), flags, sizeof payload};
    return decode(header, {reinterpret_cast<const uint8_t*>(&payload), sizeof payload}, std::move(sent));
}

Result<Command> decode_plain(Request request, size_t descriptors = 0) {
    std::vector<FileDescriptor> sent(descriptors);
    for (FileDescriptor& descriptor : sent)
        descriptor = test::make_event();
    return decode({static_cast<uint32_t>(request), 1, 0}, {}, std::move(sent));
}

void expect_refused(const Result<Command>& decoded, std::string_view why) {
    ASSERT_FALSE(decoded) << why;
    EXPECT_NE(decoded.error().message.find(why), std::string::npos) << decoded.error().message;
}

struct Table {
    uint32_t count = 1;
    uint32_t padding = 0;
    MemoryRegion regions[8] = {};
};

struct Config {
    uint32_t offset = 0;
    uint32_t size = 8;
    uint32_t flags = 0;
    uint8_t bytes[8] = {};
};

} // namespace

TEST(VhostUserMessage, HeadersOfOtherProtocolsAreRefused) {
    EXPECT_TRUE(check_header({1, 1, 0}));
    EXPECT_TRUE(check_header({1, 9, max_payload_size}));
    EXPECT_FALSE(check_header({1, 2, 0})) << "version 2";
    EXPECT_FALSE(check_header({1, 0, 0})) << "version 0";
    EXPECT_FALSE(check_header({1, 5, 0})) << "a reply";
    EXPECT_FALSE(check_header({5, 1, max_payload_size + 1})) << "too long";
    EXPECT_FALSE(check_header({5, 1, 0xffffffff})) << "far too long";
}

TEST(VhostUserMessage, PlainRequests) {
    for (const auto request : {Request::GetFeatures, Request::SetOwner, Request::ResetOwner,
                               Request::GetProtocolFeatures, Request::GetQueueNum, Request::ResetDevice}) {
        const auto decoded = decode_plain(request);
        ASSERT_TRUE(decoded);
        EXPECT_EQ(std::get<PlainCommand>(decoded->content).request, request);
        EXPECT_FALSE(decode_plain(request, 1)) << "a descriptor that nobody wants";
    }
}

TEST(VhostUserMessage, WhatWasNotOfferedIsRefusedByName) {
    expect_refused(decode_plain(static_cast<Request>(6)), "request 6");
    expect_refused(decode_plain(static_cast<Request>(0xffffffff)), "request 4294967295");
}

TEST(VhostUserMessage, Numbers) {
    const auto decoded = decode_value(Request::SetFeatures, uint64_t{0x1'7000'0000}, 0, 9);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(std::get<NumberCommand>(decoded->content).value, 0x1'7000'0000u);
    EXPECT_TRUE(decoded->needs_reply);
    expect_refused(decode_value(Request::SetFeatures, uint32_t{1}), "4 bytes instead of 8");
    expect_refused(decode_value(Request::SetProtocolFeatures, uint64_t{1}, 1), "1 descriptors instead of 0");
}

TEST(VhostUserMessage, RingSizesAreSmallPowersOfTwo) {
    const auto ring = [](Request request, uint32_t index, uint32_t value) {
        return decode_value(request, std::array{index, value});
    };
    for (const uint32_t size : {1u, 2u, 128u, 1024u})
        EXPECT_TRUE(ring(Request::SetVringNum, 0, size)) << size;
    for (const uint32_t size : {0u, 3u, 100u, 2048u, 0x80000000u})
        EXPECT_FALSE(ring(Request::SetVringNum, 0, size)) << size;
    expect_refused(ring(Request::SetVringNum, 2, 128), "no ring 2");
    EXPECT_TRUE(ring(Request::SetVringBase, 1, 0xffff));
    EXPECT_FALSE(ring(Request::SetVringBase, 1, 0x10000));
    EXPECT_TRUE(ring(Request::GetVringBase, 1, 0xdeadbeef));
    EXPECT_TRUE(ring(Request::SetVringEnable, 1, 1));
    EXPECT_FALSE(ring(Request::SetVringEnable, 1, 2));
    EXPECT_FALSE(decode_value(Request::SetVringNum, uint32_t{0}));
}

TEST(VhostUserMessage, RingAddresses) {
    const std::array<uint64_t, 5> payload{1, 0x1000, 0x3000, 0x2000, 0};
    const auto decoded = decode_value(Request::SetVringAddr, payload);
    ASSERT_TRUE(decoded);
    const auto& command = std::get<RingAddressCommand>(decoded->content);
    EXPECT_EQ(command.index, 1u);
    EXPECT_EQ(command.addresses.descriptors, 0x1000u);
    EXPECT_EQ(command.addresses.used, 0x3000u);
    EXPECT_EQ(command.addresses.available, 0x2000u);
    EXPECT_FALSE(decode_value(Request::SetVringAddr, std::array<uint64_t, 5>{2, 0, 0, 0, 0}));
    EXPECT_FALSE(decode_value(Request::SetVringAddr, std::array<uint64_t, 4>{}));
}

TEST(VhostUserMessage, RingDescriptors) {
    for (const auto request : {Request::SetVringKick, Request::SetVringCall, Request::SetVringErr}) {
        auto decoded = decode_value(request, uint64_t{1}, 1);
        ASSERT_TRUE(decoded);
        EXPECT_TRUE(std::get<RingDescriptorCommand>(decoded->content).descriptor);
        EXPECT_EQ(std::get<RingDescriptorCommand>(decoded->content).index, 1u);
        decoded = decode_value(request, uint64_t{0x101});
        ASSERT_TRUE(decoded) << "bit 8 says that there is none";
        EXPECT_FALSE(std::get<RingDescriptorCommand>(decoded->content).descriptor);
        EXPECT_FALSE(decode_value(request, uint64_t{1}, 0));
        EXPECT_FALSE(decode_value(request, uint64_t{1}, 2));
        EXPECT_FALSE(decode_value(request, uint64_t{0x101}, 1));
        EXPECT_FALSE(decode_value(request, uint64_t{2}, 1));
    }
}

TEST(VhostUserMessage, MemoryTables) {
    Table table;
    table.count = 8;
    table.regions[7].guest_address = 0x7777;
    const auto decoded = decode_value(Request::SetMemTable, table, 8);
    ASSERT_TRUE(decoded);
    const auto& entries = std::get<MemoryCommand>(decoded->content).entries;
    ASSERT_EQ(entries.size(), 8u);
    EXPECT_EQ(entries[7].region.guest_address, 0x7777u);
    EXPECT_TRUE(entries[7].file);

    expect_refused(decode_value(Request::SetMemTable, table, 7), "7 descriptors instead of 8");
    table.count = 9;
    EXPECT_FALSE(decode_value(Request::SetMemTable, table, 8));
    table.count = 0xffffffff;
    EXPECT_FALSE(decode_value(Request::SetMemTable, table, 8));
    table.count = 0;
    EXPECT_FALSE(decode_value(Request::SetMemTable, table, 0));
    EXPECT_FALSE(decode_value(Request::SetMemTable, uint32_t{1}, 1)) << "shorter than its start";
    EXPECT_FALSE(decode_value(Request::SetMemTable, std::array<uint32_t, 8>{1}, 1)) << "shorter than its region";
}

TEST(VhostUserMessage, ConfigurationSpace) {
    Config config;
    EXPECT_TRUE(decode_value(Request::GetConfig, config));
    config.size = 9;
    EXPECT_FALSE(decode_value(Request::GetConfig, config)) << "longer than the message";
    config.size = 8;
    config.offset = 248;
    EXPECT_TRUE(decode_value(Request::GetConfig, config));
    config.offset = 249;
    EXPECT_FALSE(decode_value(Request::GetConfig, config));
    config.offset = 0xffffffff;
    EXPECT_FALSE(decode_value(Request::GetConfig, config));
    config = {0, 0xfffffff8, 0, {}};
    EXPECT_FALSE(decode_value(Request::GetConfig, config));
    EXPECT_FALSE(decode_value(Request::GetConfig, uint64_t{0}));
}
