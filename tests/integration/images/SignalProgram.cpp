// Signals as an app uses them: each part prints what it saw, the same on Linux and as a unikernel. What depends on time
// is printed as whether it holds.

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

struct Seen {
    int number;
    int code;
    int value;
    bool on_alternate;
};
Seen g_seen[64];
volatile sig_atomic_t g_count = 0;
char g_alternate[65536];

bool is_on_alternate(const void* address) {
    return address >= g_alternate && address < g_alternate + sizeof(g_alternate);
}

void note(int number, siginfo_t* info, void*) {
    int here;
    if (g_count < 64)
        g_seen[g_count] = {number, info->si_code, info->si_value.sival_int, is_on_alternate(&here)};
    g_count = g_count + 1;
}

void handle(int number, int flags = 0, void (*handler)(int, siginfo_t*, void*) = note, int also_blocked = 0) {
    struct sigaction action{};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigemptyset(&action.sa_mask);
    if (also_blocked != 0)
        sigaddset(&action.sa_mask, also_blocked);
    if (sigaction(number, &action, nullptr) != 0)
        printf("sigaction(%d): %s\n", number, strerror(errno));
}

const char* name_of(int number) {
    static char text[32];
    if (number >= SIGRTMIN)
        snprintf(text, sizeof(text), "RTMIN+%d", number - SIGRTMIN);
    else
        snprintf(text, sizeof(text), "%s", sigabbrev_np(number) != nullptr ? sigabbrev_np(number) : "?");
    return text;
}

void show(const char* what) {
    printf("%s: %d\n", what, static_cast<int>(g_count));
    for (int i = 0; i < g_count && i < 64; ++i) {
        bool has_value = g_seen[i].code == SI_QUEUE || g_seen[i].code == SI_TIMER;
        printf("  %s code %d value %d%s\n", name_of(g_seen[i].number), g_seen[i].code, has_value ? g_seen[i].value : 0,
               g_seen[i].on_alternate ? " on the alternate stack" : "");
    }
    g_count = 0;
}

sigset_t set_of(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (int number : numbers)
        sigaddset(&set, number);
    return set;
}

void block(std::initializer_list<int> numbers) {
    sigset_t set = set_of(numbers);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}
void unblock(std::initializer_list<int> numbers) {
    sigset_t set = set_of(numbers);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void send_value(int number, int value) {
    sigval content{};
    content.sival_int = value;
    if (sigqueue(getpid(), number, content) != 0)
        printf("sigqueue: %s\n", strerror(errno));
}

double seconds_since(const timespec& start) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec - start.tv_sec) + static_cast<double>(now.tv_nsec - start.tv_nsec) / 1e9;
}
timespec now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

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
    alarm(1);
    result = sigwaitinfo(&set, nullptr);
    error = errno;
    printf("another signal: %d %s\n", result, strerror(error));
    show("its handler");

    static std::atomic<bool> ready{false};
    pthread_t sender;
    pthread_create(
        &sender, nullptr,
        [](void* main) -> void* {
            while (!ready)
                sched_yield();
            usleep(20'000);
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

void interval_timers() {
    handle(SIGALRM);
    itimerval value{{0, 10'000}, {0, 20'000}}, left;
    timespec start = now();
    setitimer(ITIMER_REAL, &value, nullptr);
    while (g_count < 5)
        pause();
    double elapsed = seconds_since(start);
    getitimer(ITIMER_REAL, &left);
    value = {};
    setitimer(ITIMER_REAL, &value, nullptr);
    printf("five alarms, not before 60 ms: %d; interval %ld\n", elapsed >= 0.06,
           static_cast<long>(left.it_interval.tv_usec));
    getitimer(ITIMER_REAL, &left);
    printf("stopped: %ld %ld\n", static_cast<long>(left.it_value.tv_sec), static_cast<long>(left.it_value.tv_usec));
    g_count = 0;

    handle(SIGVTALRM);
    handle(SIGPROF);
    for (int which : {ITIMER_VIRTUAL, ITIMER_PROF}) {
        value = {{0, 0}, {0, 30'000}};
        setitimer(which, &value, nullptr);
        usleep(60'000);
        printf("no CPU time passes in sleep: %d\n", static_cast<int>(g_count));
        while (g_count == 0) {
        }
        show("after some work");
    }

    printf("alarm: %u", alarm(100));
    printf(" %u", alarm(0));
    printf(" %u\n", alarm(0));

    int ends[2];
    if (pipe(ends) != 0)
        return;
    char byte = 0;
    // Again and again: the first may come before the read.
    value = {{0, 20'000}, {0, 20'000}};
    setitimer(ITIMER_REAL, &value, nullptr);
    ssize_t got = read(ends[0], &byte, 1);
    printf("read: %zd %s\n", got, strerror(errno));
    handle(SIGALRM, SA_RESTART, [](int, siginfo_t*, void*) { g_count = g_count + 1; });
    static int write_end;
    write_end = ends[1];
    pthread_t writer;
    pthread_create(
        &writer, nullptr,
        [](void*) -> void* {
            while (g_count < 2)
                usleep(1000);
            return reinterpret_cast<void*>(write(write_end, "x", 1));
        },
        nullptr);
    g_count = 0;
    got = read(ends[0], &byte, 1);
    printf("SA_RESTART: %zd %c\n", got, byte);
    pthread_join(writer, nullptr);
    value = {};
    setitimer(ITIMER_REAL, &value, nullptr);
    g_count = 0;
}

void posix_timers() {
    int number = SIGRTMIN + 3;
    handle(number);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = number;
    event.sigev_value.sival_int = 77;
    timer_t timer;
    printf("create: %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
    itimerspec setting{{0, 0}, {0, 5'000'000}}, left;
    block({number});
    timer_settime(timer, 0, &setting, nullptr);
    usleep(60'000);
    timer_gettime(timer, &left);
    printf("ran once: %ld %ld\n", static_cast<long>(left.it_value.tv_sec), left.it_value.tv_nsec);
    unblock({number});
    show("a timer");

    setting = {{5, 6'000}, {1000, 0}};
    timer_settime(timer, 0, &setting, nullptr);
    setting = {};
    timer_settime(timer, 0, &setting, &left);
    printf("left: %ld %ld, interval %ld %ld\n", static_cast<long>(left.it_value.tv_sec),
           left.it_value.tv_nsec / 1'000'000'000, static_cast<long>(left.it_interval.tv_sec), left.it_interval.tv_nsec);

    setting = {{0, 2'000'000}, {0, 2'000'000}};
    block({number});
    timer_settime(timer, 0, &setting, nullptr);
    usleep(50'000);
    siginfo_t info{};
    sigset_t set = set_of({number});
    sigwaitinfo(&set, &info);
    printf("overrun: %d, as told: %d\n", timer_getoverrun(timer) > 5, info.si_overrun > 5);
    printf("delete: %d\n", timer_delete(timer));
    int result = timer_delete(timer);
    printf("again: %d %s\n", result, strerror(errno));
    unblock({number});
    g_count = 0;

    timer_create(CLOCK_MONOTONIC, &event, &timer);
    setting = {{0, 0}, {0, 1}};
    timer_settime(timer, TIMER_ABSTIME, &setting, nullptr);
    while (g_count == 0)
        usleep(100);
    show("a time that is past");
    timer_delete(timer);

    event.sigev_value.sival_int = 78;
    timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
    setting = {{0, 0}, {0, 20'000'000}};
    timer_settime(timer, 0, &setting, nullptr);
    while (g_count == 0) {
    }
    show("by CPU time");
    timer_delete(timer);

    clockid_t own;
    timespec used;
    printf("a thread's clock: %d", pthread_getcpuclockid(pthread_self(), &own));
    printf(" %d\n", clock_gettime(own, &used));
    timer_create(own, &event, &timer);
    timer_settime(timer, 0, &setting, nullptr);
    while (g_count == 0) {
    }
    show("by its CPU time");
    timer_delete(timer);

    static std::atomic<int> called{0};
    event = {};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_value.sival_int = 5;
    event.sigev_notify_function = [](sigval value) { called += value.sival_int; };
    timer_create(CLOCK_REALTIME, &event, &timer);
    setting = {{0, 0}, {0, 5'000'000}};
    timer_settime(timer, 0, &setting, nullptr);
    while (called == 0)
        usleep(1000);
    printf("SIGEV_THREAD: %d\n", called.load());
    timer_delete(timer);

    result = timer_create(1234, nullptr, &timer);
    printf("no such clock: %d %s\n", result, strerror(errno));
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

int main(int argument_count, char** arguments) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    queueing();
    waiting();
    masks();
    alternate_stack();
    faults();
    interval_timers();
    posix_timers();
    threads();
    if (argument_count > 1) {
        alarm(1);
        signal(SIGALRM, SIG_DFL);
        for (;;)
            pause();
    }
    (void)arguments;
    return 0;
}
