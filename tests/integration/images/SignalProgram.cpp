// Signals as an app uses them: each part prints what it saw, the same on Linux and as a unikernel. What depends on time
// is printed as whether it holds.

#include "Signals.h"

#include <atomic>
#include <csetjmp>
#include <cstdint>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

namespace {

void queueing() {
    int low = SIGRTMIN, high = SIGRTMIN + 1;
    for (int number : {low, high, SIGUSR1, SIGUSR2, SIGSEGV})
        handle(number);
    block({low, high, SIGUSR1, SIGUSR2, SIGSEGV});
    for (int value = 1; value <= 3; ++value) {
        send_value(high, value + 10);
        send_value(low, value);
        send_value(SIGUSR2, value + 20);
    }
    kill(getpid(), SIGUSR1);
    raise(SIGUSR1);
    raise(SIGSEGV);
    sigset_t pending;
    sigpending(&pending);
    for (int number : {SIGUSR1, SIGUSR2, SIGSEGV, low, high, SIGTERM})
        printf("pending %s: %d\n", name_of(number), sigismember(&pending, number));
    // One at a time, or all of them get their frames at once and run in the opposite order.
    unblock({SIGSEGV});
    unblock({SIGUSR1});
    unblock({SIGUSR2});
    unblock({low});
    unblock({high});
    show("queued");

    block({SIGUSR1, SIGUSR2});
    raise(SIGUSR1);
    raise(SIGUSR2);
    signal(SIGUSR1, SIG_IGN);
    handle(SIGUSR1);
    unblock({SIGUSR1, SIGUSR2});
    show("forgotten when ignored");
    raise(SIGCHLD);
    raise(SIGWINCH);
    printf("ignored by default, and alive\n");
}

void waiting() {
    int number = SIGRTMIN + 2;
    sigset_t set = set_of({number, SIGUSR1});
    block({number, SIGUSR1});
    send_value(number, 5);
    send_value(number, 6);
    raise(SIGUSR1);
    for (int i = 0; i < 3; ++i) {
        siginfo_t info{};
        int got = sigwaitinfo(&set, &info);
        printf("sigwaitinfo: %s code %d value %d\n", name_of(got), info.si_code,
               info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
    }
    timespec start = now(), limit{0, 50'000'000};
    int result = sigtimedwait(&set, nullptr, &limit);
    int error = errno;
    printf("nothing came: %d %s, after 50 ms: %d\n", result, strerror(error), seconds_since(start) >= 0.05);
    timespec zero{};
    result = sigtimedwait(&set, nullptr, &zero);
    error = errno;
    printf("a look: %d %s\n", result, strerror(error));

    handle(SIGALRM);
    // Again and again: the first may come before the wait.
    itimerval value{{0, 20'000}, {0, 20'000}};
    setitimer(ITIMER_REAL, &value, nullptr);
    result = sigwaitinfo(&set, nullptr);
    error = errno;
    value = {};
    setitimer(ITIMER_REAL, &value, nullptr);
    printf("another signal: %d %s, its handler ran: %d\n", result, strerror(error), g_count > 0);
    g_count = 0;

    static std::atomic<bool> ready{false};
    pthread_t sender;
    pthread_create(
        &sender, nullptr,
        [](void* main) -> void* {
            while (!ready)
                sched_yield();
            usleep(20'000); // mostly, it waits by then; the other order is as good
            pthread_kill(*static_cast<pthread_t*>(main), SIGUSR1);
            return nullptr;
        },
        new pthread_t(pthread_self()));
    ready = true;
    result = sigwaitinfo(&set, nullptr);
    printf("from a thread: %s\n", name_of(result));
    pthread_join(sender, nullptr);
    unblock({number, SIGUSR1});
}

void masks() {
    static int runs = 0, depth = 0, deepest = 0;
    auto nested = [](int number, siginfo_t*, void*) {
        ++depth;
        deepest = depth > deepest ? depth : deepest;
        if (++runs < 3)
            raise(number);
        --depth;
    };
    handle(SIGUSR1, 0, nested);
    raise(SIGUSR1);
    printf("deferred: %d times, %d deep\n", runs, deepest);
    runs = deepest = 0;
    handle(SIGUSR1, SA_NODEFER, nested);
    raise(SIGUSR1);
    printf("SA_NODEFER: %d times, %d deep\n", runs, deepest);

    static sigset_t inside;
    handle(SIGUSR1, 0, [](int, siginfo_t*, void*) { pthread_sigmask(SIG_BLOCK, nullptr, &inside); }, SIGUSR2);
    raise(SIGUSR1);
    sigset_t after;
    pthread_sigmask(SIG_BLOCK, nullptr, &after);
    printf("inside: %d %d, after: %d %d\n", sigismember(&inside, SIGUSR1), sigismember(&inside, SIGUSR2),
           sigismember(&after, SIGUSR1), sigismember(&after, SIGUSR2));

    handle(SIGUSR1, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction action;
    sigaction(SIGUSR1, nullptr, &action);
    printf("SA_RESETHAND: default again: %d\n", action.sa_handler == SIG_DFL);
    show("and ran");

    handle(SIGUSR2);
    block({SIGUSR2});
    raise(SIGUSR2);
    sigset_t none = set_of({});
    int result = sigsuspend(&none);
    printf("sigsuspend: %d %s\n", result, strerror(errno));
    pthread_sigmask(SIG_BLOCK, nullptr, &after);
    printf("its mask is back: %d\n", sigismember(&after, SIGUSR2));
    show("ran in it");
    unblock({SIGUSR2});
}

void alternate_stack() {
    stack_t stack{.ss_sp = g_alternate, .ss_flags = 0, .ss_size = 100};
    int result = sigaltstack(&stack, nullptr);
    printf("too small: %d %s\n", result, strerror(errno));
    stack.ss_size = sizeof(g_alternate);
    sigaltstack(&stack, nullptr);
    static stack_t inside;
    static int change, change_error;
    handle(SIGUSR1, SA_ONSTACK, [](int number, siginfo_t* info, void* context) {
        sigaltstack(nullptr, &inside);
        stack_t other{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
        change = sigaltstack(&other, nullptr);
        change_error = errno;
        note(number, info, context);
    });
    raise(SIGUSR1);
    printf("inside: flags %d, change %d %s\n", inside.ss_flags, change, strerror(change_error));
    show("SA_ONSTACK");
    handle(SIGUSR1);
    raise(SIGUSR1);
    show("without");
    stack.ss_flags = static_cast<int>(1u << 31); // SS_AUTODISARM
    result = sigaltstack(&stack, nullptr);
    handle(SIGUSR1, SA_ONSTACK, [](int number, siginfo_t* info, void* context) {
        sigaltstack(nullptr, &inside);
        note(number, info, context);
    });
    raise(SIGUSR1);
    stack_t after;
    sigaltstack(nullptr, &after);
    printf("SS_AUTODISARM: %d, inside disabled: %d, after as before: %d\n", result, inside.ss_flags == SS_DISABLE,
           after.ss_sp == g_alternate && after.ss_flags == static_cast<int>(1u << 31));
    show("auto");
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
}

sigjmp_buf g_out;

void faults() {
    auto leave = [](int number, siginfo_t* info, void* context) {
        note(number, info, context);
        siglongjmp(g_out, 1);
    };
    for (int number : {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS})
        handle(number, 0, leave);
    volatile int zero = 0;
    volatile uintptr_t address = 8;
    if (sigsetjmp(g_out, 1) == 0)
        *reinterpret_cast<volatile int*>(address) = 1;
    auto* page = static_cast<volatile char*>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (sigsetjmp(g_out, 1) == 0)
        page[5] = 1;
    if (sigsetjmp(g_out, 1) == 0)
        asm volatile("idivl %0" ::"m"(zero), "a"(1), "d"(0));
    if (sigsetjmp(g_out, 1) == 0)
        asm volatile("ud2");
    if (sigsetjmp(g_out, 1) == 0)
        asm volatile("int3");
    show("faults");
}

std::atomic<pid_t> g_taker{0};

void threads() {
    handle(SIGUSR1, 0, [](int, siginfo_t* info, void*) {
        g_taker = static_cast<pid_t>(syscall(SYS_gettid));
        g_seen[0].code = info->si_code;
    });
    struct Busy {
        std::atomic<pid_t> tid{0};
        std::atomic<bool> stop{false};
    } busy;
    pthread_t thread;
    pthread_create(
        &thread, nullptr,
        [](void* argument) -> void* {
            auto& own = *static_cast<Busy*>(argument);
            own.tid = static_cast<pid_t>(syscall(SYS_gettid));
            while (!own.stop) {
            }
            return nullptr;
        },
        &busy);
    while (busy.tid == 0)
        sched_yield();
    pthread_kill(thread, SIGUSR1);
    while (g_taker == 0)
        sched_yield();
    printf("a busy thread got its own: %d code %d\n", g_taker == busy.tid, g_seen[0].code);
    g_taker = 0;
    block({SIGUSR1});
    kill(getpid(), SIGUSR1);
    while (g_taker == 0)
        sched_yield();
    printf("a thread took the process': %d code %d\n", g_taker == busy.tid, g_seen[0].code);
    unblock({SIGUSR1});
    busy.stop = true;
    pthread_join(thread, nullptr);
    long result = syscall(SYS_tgkill, getpid(), 4'000'000, SIGUSR1);
    int error = errno;
    printf("nobody there: %ld %s\n", result, strerror(error));
    result = kill(getpid(), 65);
    error = errno;
    printf("no such number: %ld %s\n", result, strerror(error));
}

} // namespace

int main() {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    queueing();
    waiting();
    masks();
    alternate_stack();
    faults();
    threads();
    return 0;
}
