#include "tracer/instance/LaunchOptions.h"
#include "tracer/instance/QemuCommand.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace tracer;

TEST(LaunchOptions, MemorySizes) {
    EXPECT_EQ(parse_memory_size("128M"), 128u);
    EXPECT_EQ(parse_memory_size("2G"), 2048u);
    EXPECT_EQ(parse_memory_size("64"), 64u);
    EXPECT_EQ(parse_memory_size("16384K"), 16u);
    EXPECT_EQ(parse_memory_size("16385k"), 17u);
    for (const char* bad : {"", "M", "-1", "0", "1M", "12X", "1.5G", "99999999999999999999", "9000000G"})
        EXPECT_FALSE(parse_memory_size(bad)) << bad;
}

TEST(LaunchOptions, NamesOfMachinesAndAccelerators) {
    EXPECT_EQ(parse_machine("q35"), Machine::Q35);
    EXPECT_EQ(parse_machine("microvm"), Machine::Microvm);
    EXPECT_FALSE(parse_machine("pc"));
    EXPECT_EQ(parse_accelerator("kvm"), Accelerator::Kvm);
    EXPECT_FALSE(parse_accelerator("hvf"));
}

TEST(LaunchOptions, KernelWords) {
    LaunchOptions options;
    EXPECT_EQ(options.kernel_words(), std::vector<std::string>{"uniscope.debug=open"});
    options.closed = true;
    EXPECT_TRUE(options.kernel_words().empty());
    options.wait = WaitFor::App;
    options.environment = {"A=two words", "B="};
    options.kernel_options = {"ring=64Kx8"};
    EXPECT_EQ(options.kernel_words(), (std::vector<std::string>{"uniscope.wait=app", "uniscope.ring=64Kx8",
                                                                "uniscope.env.A=two%20words", "uniscope.env.B="}));
    options = {};
    options.closed = true;
    options.input = ConsoleInput::Pipe;
    options.realtime_ns = 1'700'000'000'000'000'000;
    EXPECT_EQ(options.kernel_words(),
              (std::vector<std::string>{"uniscope.stdin=pipe", "uniscope.realtime=1700000000000000000"}));
}

TEST(QemuCommand, HasWhatTheGuestRelies) {
    LaunchOptions options;
    options.name = "a,b";
    options.image = "/images/app";
    options.arguments = {"app", "x y"};
    options.cpus = 4;
    options.memory_mib = 64;
    options.qemu_arguments = {"-d", "int"};
    for (const Machine machine : {Machine::Microvm, Machine::Q35}) {
        options.machine = machine;
        const auto command =
            make_qemu_command("qemu", options, Accelerator::Tcg, "/run/rootfs.cpio", {3, 4, 5, 6, 7, 8});
        const auto value_of = [&](const std::string& option, size_t nth = 0) {
            for (size_t i = 0; i + 1 < command.size(); ++i)
                if (command[i] == option && nth-- == 0)
                    return command[i + 1];
            return std::string();
        };
        const auto has = [&](const std::string& word) { return std::ranges::find(command, word) != command.end(); };
        EXPECT_EQ(command.front(), "qemu");
        EXPECT_EQ(value_of("-name"), "guest=a,,b");
        EXPECT_EQ(value_of("-smp"), "4");
        EXPECT_EQ(value_of("-m"), "64M");
        EXPECT_EQ(value_of("-accel"), "tcg");
        EXPECT_EQ(value_of("-append"), "uniscope.debug=open -- app x%20y");
        EXPECT_EQ(value_of("-initrd"), "/run/rootfs.cpio");
        EXPECT_EQ(value_of("-action"), "reboot=shutdown,shutdown=pause");
        EXPECT_EQ(value_of("-device", 0), "isa-serial,chardev=console,iobase=0x3f8,irq=4");
        EXPECT_TRUE(has("virtserialport,chardev=trace,name=uniscope.trace"));
        EXPECT_TRUE(has("virtserialport,chardev=gdb,name=uniscope.gdb"));
        EXPECT_EQ(has("virtio-serial-device"), machine == Machine::Microvm);
        EXPECT_EQ(has("virtio-rng-pci"), machine == Machine::Q35);
        EXPECT_EQ(command.back(), "int");
    }
}

TEST(QemuCommand, HasTheDebuggerOnAUartWhereNoDriverRunsYet) {
    LaunchOptions options;
    options.image = "/images/app";
    options.wait = WaitFor::Boot;
    const auto command = make_qemu_command("qemu", options, Accelerator::Tcg, "", {3, 4, 5, 6, 7, 8});
    EXPECT_NE(std::ranges::find(command, "isa-serial,chardev=gdb,iobase=0x2f8,irq=3"), command.end());
    EXPECT_EQ(std::ranges::find(command, "virtserialport,chardev=gdb,name=uniscope.gdb"), command.end());
}

TEST(QemuCommand, WithVsockHasOneDeviceForAllChannels) {
    LaunchOptions options;
    options.image = "/images/app";
    options.link = LinkKind::Vsock;
    for (const Machine machine : {Machine::Microvm, Machine::Q35}) {
        options.machine = machine;
        std::vector<size_t> lines;
        for (size_t line = 0; line < line_count; ++line)
            if (needs_line(options, line))
                lines.push_back(line);
        EXPECT_EQ(lines, (std::vector<size_t>{static_cast<size_t>(ChannelName::Console), qmp_line, vhost_user_line}));
        const auto command = make_qemu_command("qemu", options, Accelerator::Tcg, "", {3, -1, -1, -1, -1, 4, 5});
        const auto has = [&](const std::string& word) { return std::ranges::find(command, word) != command.end(); };
        EXPECT_TRUE(has("memory-backend-memfd,id=mem,size=128M,share=on"));
        EXPECT_TRUE(has("socket,id=vsock,fd=5"));
        EXPECT_EQ(has("vhost-user-vsock-device,chardev=vsock"), machine == Machine::Microvm);
        EXPECT_EQ(has("vhost-user-vsock-pci,chardev=vsock"), machine == Machine::Q35);
        EXPECT_TRUE(std::ranges::none_of(command, [](const auto& word) { return word.contains("virtio-serial"); }));
        EXPECT_TRUE(has("uniscope.debug=open --"));
    }
}
