#include "libos/auth/Records.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace auth {
namespace {

using Outcome = RecordOpener::Outcome;

Digest key(unsigned number) {
    return sha256({bytes_of(std::to_string(number))});
}

std::vector<std::byte> sealed(RecordSealer& sealer, std::string_view text) {
    sealer.seal(bytes_of(text));
    std::vector<std::byte> record(sealer.pending().begin(), sealer.pending().end());
    sealer.sent(record.size());
    return record;
}

/// The payloads that come out, and what ended it.
struct Opened {
    std::vector<std::string> payloads;
    Outcome last = Outcome::More;
};

Opened open(RecordOpener& opener, Bytes bytes, size_t portion = 7) {
    Opened result;
    while (!bytes.empty() && opener.wanted() != 0) {
        size_t count = std::min({bytes.size(), opener.wanted(), portion});
        result.last = opener.push(bytes.first(count));
        bytes = bytes.subspan(count);
        if (result.last != Outcome::Payload)
            continue;
        std::string text;
        std::byte some[5];
        while (size_t taken = opener.take(some))
            text.append(reinterpret_cast<const char*>(some), taken);
        result.payloads.push_back(text);
    }
    return result;
}

struct Line {
    Line() {
        sealer.start(key(1));
        opener.start(key(1));
    }
    RecordSealer sealer;
    RecordOpener opener;
};

TEST(Records, WhatGoesInComesOut) {
    Line line;
    std::vector<std::byte> bytes;
    std::vector<std::string> texts = {"a", std::string(wire::max_record_payload, 'x'), "$m0,4#fd",
                                      std::string(100, '\0')};
    for (const auto& text : texts) {
        auto record = sealed(line.sealer, text);
        EXPECT_EQ(record.size(), text.size() + wire::record_overhead);
        bytes.insert(bytes.end(), record.begin(), record.end());
    }
    for (size_t portion : {1, 7, 4096}) {
        line.opener.start(key(1));
        EXPECT_EQ(open(line.opener, bytes, portion).payloads, texts);
    }
}

TEST(Records, ARecordWithoutPayloadIsTheEnd) {
    Line line;
    EXPECT_EQ(open(line.opener, sealed(line.sealer, "")).last, Outcome::End);
    EXPECT_EQ(line.opener.wanted(), 0U);
}

TEST(Records, NoByteMayBeAnother) {
    Line line;
    auto record = sealed(line.sealer, "vCont;c");
    for (size_t i = 0; i < record.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto changed = record;
            changed[i] ^= static_cast<std::byte>(1u << bit);
            line.opener.start(key(1));
            auto opened = open(line.opener, changed);
            EXPECT_TRUE(opened.payloads.empty()) << i;
            // A length that grew makes it wait for more: never for anything that it then lets through.
            EXPECT_TRUE(opened.last == Outcome::Forged || opened.last == Outcome::More) << i;
        }
    }
}

TEST(Records, NoRecordMayBeRepeatedLeftOutOrMoved) {
    Line line;
    std::vector<std::vector<std::byte>> records;
    for (const char* text : {"one", "two", "three"})
        records.push_back(sealed(line.sealer, text));
    for (auto order : {std::vector{0, 0}, std::vector{0, 2}, std::vector{1}, std::vector{0, 1, 0}}) {
        line.opener.start(key(1));
        Outcome last = Outcome::More;
        for (int index : order)
            last = open(line.opener, records[static_cast<size_t>(index)]).last;
        EXPECT_EQ(last, Outcome::Forged);
        EXPECT_EQ(line.opener.wanted(), 0U);
    }
}

TEST(Records, AnotherKeysRecordsAreForged) {
    Line line;
    line.sealer.start(key(2));
    EXPECT_EQ(open(line.opener, sealed(line.sealer, "hello")).last, Outcome::Forged);
}

TEST(Records, AHeaderThatCannotBeIsKnownAtOnce) {
    Line line;
    wire::RecordHeader header{wire::max_record_payload + 1, 0, 0};
    EXPECT_EQ(open(line.opener, std::as_bytes(std::span(&header, 1))).last, Outcome::Forged);
    EXPECT_EQ(line.opener.rejected().size(), sizeof(header));
    line.opener.start(key(1));
    // A handshake's beginning is none.
    wire::HandshakeHeader hello{wire::handshake_magic, 1, 1, 1, 120};
    EXPECT_EQ(open(line.opener, std::as_bytes(std::span(&hello, 1)).first(8)).last, Outcome::Forged);
}

TEST(Records, TheirLayoutIsWhatTheProtocolSays) {
    Line line;
    line.sealer.seal(bytes_of("first"));
    line.sealer.sent(line.sealer.pending().size());
    auto record = sealed(line.sealer, "second");
    const unsigned char header[] = {6, 0, 0, 0, 1, 0, 0, 0};
    ASSERT_EQ(std::memcmp(record.data(), header, sizeof(header)), 0);
    const unsigned char number[] = {1, 0, 0, 0, 0, 0, 0, 0};
    Digest mac =
        hmac_sha256(key(1), {std::as_bytes(std::span(number)), std::as_bytes(std::span(header)), bytes_of("second")});
    EXPECT_EQ(std::memcmp(record.data() + 14, mac.data(), 16), 0);
    EXPECT_EQ(record.size(), 30U);
}

} // namespace
} // namespace auth
