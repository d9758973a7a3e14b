// A backend and its front-ends: handshakes, messages that are wrong, QEMUs that come and go.

#include "tests/unit/tracer/vsock/BackendFixture.h"

#include "tracer/vsock/HostClient.h"

using namespace tracer::vsock;
using namespace tracer::vsock::test;
using tracer::FileDescriptor;
using tracer::Result;

namespace {

using BackendTest = BackendFixture;

} // namespace

TEST_F(BackendTest, HandshakeInQemusOrder) {
    create();
    EXPECT_FALSE(m_backend->has_front_end());
    ASSERT_TRUE(m_qemu->realize());
    EXPECT_TRUE(m_backend->has_front_end());
    EXPECT_FALSE(m_backend->is_ready());
    ASSERT_TRUE(m_qemu->start());
    EXPECT_TRUE(m_backend->is_ready());
    EXPECT_GE(m_changes, 2u);
    EXPECT_TRUE(m_said.empty());
}

TEST_F(BackendTest, ANewBackendForAnOldQemu) {
    create();
    // No SET_OWNER, no GET_FEATURES, no SET_PROTOCOL_FEATURES.
    ASSERT_TRUE(m_qemu->start());
    EXPECT_TRUE(m_backend->is_ready());
    const FileDescriptor end = connect();
    guest_sends_now(Operation::ReadWrite, "alive");
    EXPECT_EQ(read(end, 5), "alive");
}

TEST_F(BackendTest, WithoutProtocolFeaturesRingsWorkAtOnce) {
    create();
    m_qemu->features = 0x1'0000'0000;
    ASSERT_TRUE(m_qemu->start());
    const FileDescriptor end = connect();
    guest_sends_now(Operation::ReadWrite, "plain");
    EXPECT_EQ(read(end, 5), "plain");
}

TEST_F(BackendTest, NobodyCanConnectBeforeTheDriverIsUp) {
    create();
    ASSERT_TRUE(m_qemu->realize());
    std::string why;
    m_backend->connect(app_port, [&](const Result<FileDescriptor>& answer) { why = answer.error().message; });
    EXPECT_EQ(why, "") << "the answer comes from the loop";
    settle(m_loop);
    EXPECT_EQ(why, "the guest's vsock driver is not up");
    EXPECT_FALSE(connect_vsock_uds(m_options.uds, app_port, 0ms));
}

TEST_F(BackendTest, AMalformedMessageEndsTheSessionAndNotTheBackend) {
    boot();
    const FileDescriptor end = connect();
    m_qemu->send_value(Request::SetVringNum, uint32_t{1});
    EXPECT_TRUE(m_qemu->was_closed());
    EXPECT_TRUE(sees_end(end));
    settle(m_loop);
    ASSERT_EQ(m_said.size(), 1u);
    EXPECT_NE(m_said[0].find("malformed SET_VRING_NUM"), std::string::npos) << m_said[0];
    EXPECT_FALSE(m_backend->has_front_end());
    std::string why;
    m_backend->connect(app_port, [&](const Result<FileDescriptor>& answer) { why = answer.error().message; });
    settle(m_loop);
    EXPECT_NE(why, "");
}

TEST_F(BackendTest, MessagesThatMakeNoSenseEndTheSession) {
    const auto ends = [this](const char* what, const std::function<void()>& send) {
        create();
        ASSERT_TRUE(m_qemu->realize()) << what;
        send();
        EXPECT_TRUE(m_qemu->was_closed()) << what;
        settle(m_loop);
        EXPECT_EQ(m_said.size(), 1u) << what;
        m_said.clear();
        m_qemu.reset();
        m_backend.reset();
    };
    ends("an unknown request", [this] { m_qemu->send(static_cast<Request>(6)); });
    ends("another version", [this] { m_qemu->send(Request::GetFeatures, "", {}, 2); });
    ends("a reply", [this] { m_qemu->send(Request::GetFeatures, "", {}, 5); });
    ends("features that were not offered", [this] { m_qemu->send_value(Request::SetFeatures, ~uint64_t{0}); });
    ends("a kick that is to be polled", [this] { m_qemu->send_value(Request::SetVringKick, uint64_t{0x100}); });
    ends("a write to the configuration",
         [this] { m_qemu->send_value(Request::SetConfig, std::array<uint32_t, 5>{0, 8}); });
    ends("memory that is none", [this] {
        const std::array<uint64_t, 5> table{1, 0, 4096, 0, 0};
        m_qemu->send_value(Request::SetMemTable, table, {make_event().get()});
    });
    ends("too many descriptors", [this] {
        const FileDescriptor event = make_event();
        m_qemu->send_value(Request::SetVringCall, uint64_t{0}, std::vector<int>(20, event.get()));
    });
}

TEST_F(BackendTest, AMessageMayComeInPieces) {
    create();
    const uint32_t header[3] = {1, 1, 0};
    for (const uint8_t byte : std::string_view(reinterpret_cast<const char*>(header), sizeof header)) {
        ASSERT_EQ(send(m_qemu->socket().get(), &byte, 1, 0), 1);
        settle(m_loop);
    }
    EXPECT_EQ(m_qemu->reply_value<uint64_t>(Request::GetFeatures), 0x1'7000'0000u);
}

TEST_F(BackendTest, AFrontEndThatNeverReadsIsCutOff) {
    create();
    for (int i = 0; i < 100'000 && m_said.empty(); ++i) {
        m_qemu->send(Request::GetFeatures);
        if (i % 100 == 0)
            settle(m_loop);
    }
    settle(m_loop);
    ASSERT_EQ(m_said.size(), 1u);
    EXPECT_NE(m_said[0].find("does not read the replies"), std::string::npos);
}

TEST_F(BackendTest, MemoryThatIsNotSharedIsTold) {
    boot();
    // The guest kicks, and what it has put into its queues is not in this memory.
    m_qemu->kick_rx();
    ASSERT_TRUE(run_until(m_loop, [this] { return !m_said.empty(); }));
    EXPECT_NE(m_said[0].find("share=on"), std::string::npos) << m_said[0];
}

TEST_F(BackendTest, NoDescriptorLeaks) {
    const auto count = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
    create();
    ASSERT_TRUE(m_qemu->realize());
    ASSERT_TRUE(m_qemu->start());
    const auto before = count();
    for (int i = 0; i < 20; ++i) {
        {
            const FileDescriptor end = connect();
        }
        reboot();
        m_qemu->send_value(Request::GetConfig, std::array<uint32_t, 5>{0, 8});
        ASSERT_TRUE(m_qemu->reply(Request::GetConfig));
    }
    settle(m_loop);
    EXPECT_EQ(count(), before);
}

TEST_F(BackendTest, OneQemuAtATimeAndOneAfterTheOther) {
    const auto path = m_directory / "vhost-user";
    m_backend = VsockBackend::create(m_loop, ListenForFrontEnd{path}, m_options).value();
    const auto connect_qemu = [&] {
        auto socket = connect_local(path, "the backend");
        EXPECT_TRUE(socket);
        return std::make_unique<FakeQemu>(m_loop, m_guest, std::move(*socket));
    };
    m_qemu = connect_qemu();
    ASSERT_TRUE(m_qemu->realize());
    const auto second = connect_qemu();
    EXPECT_TRUE(second->was_closed());
    EXPECT_TRUE(m_backend->has_front_end());
    m_qemu = connect_qemu(); // which closes the first
    EXPECT_TRUE(run_until(m_loop, [this] { return !m_backend->has_front_end(); }));
    m_qemu = connect_qemu();
    EXPECT_TRUE(m_qemu->realize());
    m_backend.reset();
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_FALSE(std::filesystem::exists(m_options.uds));
}

TEST_F(BackendTest, LooksForQemuUntilItIsThereAndAgain) {
    const auto path = m_directory / "vhost-user";
    m_backend = VsockBackend::create(m_loop, ConnectToFrontEnd{path}, m_options).value();
    m_loop.run_for(20ms);
    FileDescriptor accepted;
    auto listener = LocalListener::create(m_loop, path, [&](FileDescriptor client) { accepted = std::move(client); });
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(run_until(m_loop, [&] { return static_cast<bool>(accepted); }));
        m_qemu = std::make_unique<FakeQemu>(m_loop, m_guest, std::move(accepted));
        accepted = FileDescriptor();
        EXPECT_TRUE(m_qemu->realize());
        m_qemu.reset();
        EXPECT_TRUE(run_until(m_loop, [this] { return !m_backend->has_front_end(); }));
    }
}

TEST_F(BackendTest, MessagesAreLimitedInNumber) {
    boot();
    for (int i = 0; i < 50; ++i) {
        m_guest.tx.make_available(4711);
        m_qemu->kick_tx();
        settle(m_loop);
        reboot();
    }
    EXPECT_EQ(m_said.size(), VsockBackend::messages_per_minute);
    EXPECT_NE(m_said.back().find("left out"), std::string::npos);
}

TEST_F(BackendTest, ACallbackMayDestroyIt) {
    m_options.on_change = [this] { m_backend.reset(); };
    create();
    m_qemu->send(Request::GetFeatures);
    EXPECT_TRUE(run_until(m_loop, [this] { return !m_backend; }));
    settle(m_loop);

    m_options.on_change = nullptr;
    m_options.say = [this](const std::string&) { m_backend.reset(); };
    boot();
    const FileDescriptor end = connect();
    m_guest.tx.make_available(4711);
    m_qemu->kick_tx();
    EXPECT_TRUE(run_until(m_loop, [this] { return !m_backend; }));
    settle(m_loop);

    m_guest.restart();
    m_options.say = nullptr;
    boot();
    int answers = 0;
    for (int i = 0; i < 2; ++i)
        m_backend->connect(app_port, [&](const Result<FileDescriptor>&) {
            ++answers;
            m_backend.reset();
        });
    m_qemu->close();
    EXPECT_TRUE(run_until(m_loop, [&] { return answers != 0; }));
    settle(m_loop);
    EXPECT_EQ(answers, 1) << "none after its end";
}

TEST_F(BackendTest, ImpossibleOptions) {
    for (const uint64_t cid : {uint64_t{0}, uint64_t{2}, uint64_t{0xffffffff}, uint64_t{1} << 32}) {
        m_options.guest_cid = cid;
        EXPECT_FALSE(VsockBackend::create(m_loop, ConnectToFrontEnd{m_directory / "x"}, m_options)) << cid;
    }
    m_options.guest_cid = 3;
    m_options.uds = m_directory / std::string(100, 'x');
    EXPECT_FALSE(VsockBackend::create(m_loop, ConnectToFrontEnd{m_directory / "x"}, m_options));
    m_options.uds = "";
    EXPECT_FALSE(VsockBackend::create(m_loop, ConnectToFrontEnd{m_directory / std::string(100, 'x')}, m_options));
}
