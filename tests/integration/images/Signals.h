#pragma once
// What the programs about signals have in common: a handler that notes what it is told, and how to show it.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <pthread.h>
#include <unistd.h>

struct Seen {
    int number;
    int code;
    int value;
    bool on_alternate;
};
inline Seen g_seen[64];
inline volatile sig_atomic_t g_count = 0;
inline char g_alternate[65536];

inline bool is_on_alternate(const void* address) {
    return address >= g_alternate && address < g_alternate + sizeof(g_alternate);
}

inline void note(int number, siginfo_t* info, void*) {
    int here;
    if (g_count < 64)
        g_seen[g_count] = {number, info->si_code, info->si_value.sival_int, is_on_alternate(&here)};
    g_count = g_count + 1;
}

inline void handle(int number, int flags = 0, void (*handler)(int, siginfo_t*, void*) = note, int also_blocked = 0) {
    struct sigaction action{};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigemptyset(&action.sa_mask);
    if (also_blocked != 0)
        sigaddset(&action.sa_mask, also_blocked);
    if (sigaction(number, &action, nullptr) != 0)
        printf("sigaction(%d): %s\n", number, strerror(errno));
}

inline const char* name_of(int number) {
    static char text[32];
    if (number >= SIGRTMIN)
        snprintf(text, sizeof(text), "RTMIN+%d", number - SIGRTMIN);
    else
        snprintf(text, sizeof(text), "%s", sigabbrev_np(number) != nullptr ? sigabbrev_np(number) : "?");
    return text;
}

inline void show(const char* what) {
    printf("%s: %d\n", what, static_cast<int>(g_count));
    for (int i = 0; i < g_count && i < 64; ++i) {
        bool has_value = g_seen[i].code == SI_QUEUE || g_seen[i].code == SI_TIMER;
        printf("  %s code %d value %d%s\n", name_of(g_seen[i].number), g_seen[i].code, has_value ? g_seen[i].value : 0,
               g_seen[i].on_alternate ? " on the alternate stack" : "");
    }
    g_count = 0;
}

inline sigset_t set_of(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (int number : numbers)
        sigaddset(&set, number);
    return set;
}

inline void block(std::initializer_list<int> numbers) {
    sigset_t set = set_of(numbers);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}
inline void unblock(std::initializer_list<int> numbers) {
    sigset_t set = set_of(numbers);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

inline void wait_until_pending(int number) {
    sigset_t pending;
    do {
        usleep(1000); // a pause between looks
        sigpending(&pending);
    } while (sigismember(&pending, number) == 0);
}

inline void send_value(int number, int value) {
    sigval content{};
    content.sival_int = value;
    if (sigqueue(getpid(), number, content) != 0)
        printf("sigqueue: %s\n", strerror(errno));
}

inline double seconds_since(const timespec& start) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec - start.tv_sec) + static_cast<double>(now.tv_nsec - start.tv_nsec) / 1e9;
}
inline timespec now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}
