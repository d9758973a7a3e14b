// uniscope-vsockd: a vsock device for one QEMU in a process of its own, for machines that uniscope did not start.

#include "tracer/vsock/VsockBackend.h"

#include <CLI/CLI.hpp>
#include <asio/signal_set.hpp>
#include <fmt/format.h>

#include <sys/resource.h>

#include <csignal>
#include <cstdio>

namespace {

using tracer::vsock::VsockBackend;

constexpr int usage_status = 2;

struct Options {
    std::string socket;
    std::string uds;
    uint64_t cid = 0;
    bool listen = false;
    bool verbose = false;
};

void say(const std::string& text) {
    fmt::print(stderr, "uniscope-vsockd: {}\n", text);
}

int failed(const tracer::Error& error, int status) {
    say(error.message);
    if (!error.hint.empty())
        fmt::print(stderr, "{}\n", error.hint);
    return status;
}

/// Every connection is a descriptor, and the soft limit is often lower than what one guest may have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/// Tells what goes on, with --verbose.
class Reporter {
public:
    void report(const VsockBackend& backend) {
        if (std::exchange(m_front_end, backend.has_front_end()) != backend.has_front_end())
            say(backend.has_front_end() ? "QEMU is connected" : "QEMU is gone");
        if (std::exchange(m_ready, backend.is_ready()) != backend.is_ready())
            say(backend.is_ready() ? "the guest's driver is up" : "the guest's driver is down");
    }

private:
    bool m_front_end = false;
    bool m_ready = false;
};

int serve(const Options& options) {
    asio::io_context loop;
    Reporter reporter;
    std::unique_ptr<VsockBackend> backend;
    VsockBackend::Options backend_options;
    backend_options.guest_cid = options.cid;
    backend_options.uds = options.uds;
    backend_options.say = say;
    if (options.verbose)
        backend_options.on_change = [&] { reporter.report(*backend); };
    tracer::vsock::FrontEndPlace place = tracer::vsock::ConnectToFrontEnd{options.socket};
    if (options.listen)
        place = tracer::vsock::ListenForFrontEnd{options.socket};
    auto created = VsockBackend::create(loop, std::move(place), std::move(backend_options));
    if (!created)
        return failed(created.error(), 1);
    backend = std::move(*created);
    if (options.verbose)
        say(fmt::format("{} QEMU at {}", options.listen ? "waiting for" : "looking for", options.socket));

    asio::signal_set stop(loop, SIGTERM, SIGINT, SIGHUP);
    stop.async_wait([&](asio::error_code error, int) {
        if (error)
            return;
        backend.reset();
        loop.stop();
    });
    loop.run();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    Options options;
    CLI::App app(
        "Gives a QEMU machine a vsock device (vhost-user-vsock), and its guest's ports to the host as Unix "
        "sockets:\nconnect to the --uds path, write \"CONNECT <port>\\n\", read \"OK <host port>\\n\"; what the "
        "guest connects to at\nport P of the host goes to a socket that listens on the --uds path followed "
        "by _P.\n\nQEMU needs memory that is shared, and the device:\n"
        "  -object memory-backend-memfd,id=mem,size=256M,share=on -machine q35,memory-backend=mem\n"
        "  -chardev socket,id=vsock,path=SOCKET,server=on -device vhost-user-vsock-pci,chardev=vsock\n");
    app.set_version_flag("--version", "uniscope-vsockd " UNISCOPE_VERSION, "Show the version");
    app.add_option("--socket", options.socket, "The vhost-user socket, which QEMU's chardev names")
        ->required()
        ->type_name("PATH");
    bool connect = false;
    auto* connect_flag = app.add_flag("--connect", connect,
                                      "Connect to --socket, and again whenever the connection is lost; QEMU's chardev "
                                      "has server=on. This is the default");
    app.add_flag("--listen", options.listen, "Listen on --socket; QEMU's chardev has no server=on, and connects once")
        ->excludes(connect_flag);
    app.add_option("--cid", options.cid, "The guest's context id")
        ->required()
        ->type_name("N")
        ->check(CLI::Range(tracer::vsock::min_guest_cid, tracer::vsock::max_guest_cid));
    app.add_option("--uds", options.uds, "Where the host's sockets are")->required()->type_name("PATH");
    app.add_flag("-v,--verbose", options.verbose, "Say when QEMU and the guest come and go");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        return failed({error.what(), "`uniscope-vsockd --help` shows the usage."}, usage_status);
    }
    raise_descriptor_limit();
    return serve(options);
}
