// Dies in the way that it is told, a few calls deep in one of several named threads.
//
//   crash KIND      crash --list

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

// volatile: the compiler must neither see what these are nor leave the access out.
volatile uintptr_t g_null = 0;
volatile uintptr_t g_wild_address = 0x0000'6666'0000'0000;
volatile int g_zero = 0;
volatile int g_result = 0;
volatile bool g_never = false;

/// What a customer's order would look like to somebody who opens the core.
struct Order {
    int id;
    const char* article;
    int quantity;
};

[[gnu::noinline]] void write_through_null(const Order& order) {
    *reinterpret_cast<volatile int*>(g_null) = order.quantity;
}

[[gnu::noinline]] void write_to_wild_address(const Order& order) {
    *reinterpret_cast<volatile int*>(g_wild_address) = order.quantity;
}

[[gnu::noinline]] void write_to_code(const Order& order) {
    *reinterpret_cast<volatile int*>(reinterpret_cast<uintptr_t>(&write_through_null)) = order.quantity;
}

[[gnu::noinline]] void jump_into_data(const Order& order) {
    static int data[16];
    data[0] = order.quantity;
    reinterpret_cast<void (*)()>(reinterpret_cast<uintptr_t>(data))();
    g_result = order.id; // the call is not the last thing, so this function stays on the stack
}

[[gnu::noinline]] void divide_by_zero(const Order& order) {
    g_result = order.quantity / g_zero;
}

[[gnu::noinline]] void execute_illegal_instruction(const Order& order) {
    g_result = order.quantity;
    if (!g_never)
        __builtin_trap();
}

[[gnu::noinline]] int overflow_the_stack(const Order& order) {
    volatile char frame[4096];
    frame[0] = static_cast<char>(order.quantity);
    return g_never ? frame[0] : overflow_the_stack(order) + frame[0];
}

[[gnu::noinline]] void call_abort(const Order& order) {
    g_result = order.quantity;
    std::abort();
}

[[gnu::noinline]] void throw_uncaught(const Order& order) {
    throw std::runtime_error("no such article: " + std::string(order.article));
}

/// The libOS' own faults: a system call that it has when it was started with uniscope.faults=allowed. Linux has no such
/// call.
template <long Fault>
[[gnu::noinline]] void make_the_kernel_fail(const Order& order) {
    constexpr long uniscope_fault = 511;
    g_result = order.quantity;
    syscall(uniscope_fault, Fault);
    std::fputs("crash: no such fault here; as a unikernel: uniscope run --kernel-option faults=allowed\n", stderr);
    std::_Exit(3);
}

struct Kind {
    const char* name;
    const char* what;
    void (*crash)(const Order&);
};

constexpr Kind kinds[] = {
    {"null", "writes through a null pointer: SIGSEGV", write_through_null},
    {"wild", "writes to an address that nothing is mapped at: SIGSEGV", write_to_wild_address},
    {"write-code", "writes to its own code: SIGSEGV", write_to_code},
    {"run-data", "jumps into a variable: SIGSEGV", jump_into_data},
    {"stack-overflow", "calls itself until the stack ends: SIGSEGV", [](const Order& o) { overflow_the_stack(o); }},
    {"divide", "divides by zero: SIGFPE", divide_by_zero},
    {"illegal", "executes an illegal instruction: SIGILL", execute_illegal_instruction},
    {"abort", "calls abort(): SIGABRT", call_abort},
    {"throw", "throws an exception that nobody catches: SIGABRT", throw_uncaught},
    {"kernel-write", "makes the kernel write where nothing is mapped", make_the_kernel_fail<0>},
    {"kernel-stack", "makes the kernel overflow its stack", make_the_kernel_fail<1>},
    {"triple-fault", "makes the CPU shut down", make_the_kernel_fail<2>},
    {"hang", "makes a CPU spin with interrupts off", make_the_kernel_fail<3>},
    {"assert", "makes an assertion of the kernel fail", make_the_kernel_fail<4>},
};

const Kind* find_kind(const char* name) {
    for (const Kind& kind : kinds)
        if (std::strcmp(kind.name, name) == 0)
            return &kind;
    return nullptr;
}

/// The threads that do nothing wrong: they wait for a signal that never comes.
class Bystanders {
public:
    void wait(const char* name) {
        pthread_setname_np(pthread_self(), name);
        std::unique_lock lock(m_lock);
        ++m_waiting;
        m_changed.notify_all();
        m_changed.wait(lock, [] { return g_never; });
    }

    void wait_until_waiting(int count) {
        std::unique_lock lock(m_lock);
        m_changed.wait(lock, [&] { return m_waiting == count; });
    }

private:
    std::mutex m_lock;
    std::condition_variable m_changed;
    int m_waiting = 0;
};

[[gnu::noinline]] void take_order(const Kind& kind, int id) {
    Order order{id, "teapot", 3};
    kind.crash(order);
    g_result = order.id; // so that the call above is not the last thing, and this frame stays on the stack
}

void work(const Kind& kind, Bystanders& bystanders) {
    pthread_setname_np(pthread_self(), "worker");
    bystanders.wait_until_waiting(2);
    take_order(kind, 4711);
}

int usage(FILE* out) {
    std::fputs("usage: crash KIND\n", out);
    for (const Kind& kind : kinds)
        std::fprintf(out, "  %-16s%s\n", kind.name, kind.what);
    return out == stdout ? 0 : 2;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0)
        return usage(stdout);
    const Kind* kind = argc == 2 ? find_kind(argv[1]) : nullptr;
    if (!kind)
        return usage(stderr);

    std::printf("crash: %s\n", kind->what);
    std::fflush(stdout);
    Bystanders bystanders;
    std::thread first([&] { bystanders.wait("bystander-1"); });
    std::thread second([&] { bystanders.wait("bystander-2"); });
    std::thread worker([&] { work(*kind, bystanders); });
    worker.join();
    std::puts("crash: still here, which is wrong");
    std::_Exit(1);
}
