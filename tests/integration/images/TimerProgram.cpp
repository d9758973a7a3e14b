// Timers that send signals, as an app uses them: each part prints what it saw, the same on Linux and as a unikernel.
// What depends on time is printed as whether it holds.

#include "Signals.h"

#include <atomic>
#include <sys/time.h>

namespace {

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
    wait_until_pending(number);
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
    usleep(50'000); // time for 25 of them; more is as good
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

} // namespace

int main(int argument_count, char**) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    interval_timers();
    posix_timers();
    if (argument_count > 1) {
        alarm(1);
        signal(SIGALRM, SIG_DFL);
        for (;;)
            pause();
    }
    return 0;
}
