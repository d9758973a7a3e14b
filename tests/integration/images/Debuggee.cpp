// What the gdb tests debug.
//
//   debuggee                   two calls from main, a line, and status 0
//   debuggee serve             threads `main-loop` and `helper` go round until a debugger sets g_stop: that is the
//                              status
//   debuggee deaf              spins in spin_deaf() with interrupts off until a debugger sets g_stop
//   debuggee walk              over and over system calls, work for the timer to interrupt, and a page fault
//   debuggee signal            sends itself SIGUSR1 with the value 42, and prints what its handler is told
//   debuggee calls             two threads in call_loop until a debugger sets g_stop: that is the status

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

volatile int g_stop = 0;
volatile long g_rounds = 0;
volatile long g_helper_rounds = 0;
volatile int g_total = 0;
thread_local volatile int t_number = 7;

extern "C" long raw_getpid();
extern "C" long raw_write(int file, const void* data, unsigned long size);
// The labels are where the tests put breakpoints.
asm(".text\n"
    ".globl raw_getpid, raw_getpid_syscall\n"
    ".type raw_getpid, @function\n"
    "raw_getpid: .cfi_startproc\n"
    "movl $39, %eax\n"
    "raw_getpid_syscall: syscall\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size raw_getpid, . - raw_getpid\n"
    ".globl raw_write, raw_write_syscall\n"
    ".type raw_write, @function\n"
    "raw_write: .cfi_startproc\n"
    "movl $1, %eax\n"
    "raw_write_syscall: syscall\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size raw_write, . - raw_write\n");

// System calls with nothing in between but a look at the registers that survive them: any other value is an illegal
// instruction. call_detour is for a debugger to send a thread to; it is counted.
extern "C" void call_loop(volatile int* stop, volatile long* detours);
asm(".text\n"
    ".globl call_loop, call_detour, call_loop_end\n"
    ".type call_loop, @function\n"
    "call_loop: .cfi_startproc\n"
    "pushq %rbx; .cfi_adjust_cfa_offset 8; .cfi_rel_offset rbx, 0\n"
    "pushq %r12; .cfi_adjust_cfa_offset 8; .cfi_rel_offset r12, 0\n"
    "movq $0x1111, %rbx\n"
    "movq $0x2222, %r12\n"
    "1: movl $39, %eax\n"
    "syscall\n"
    "cmpq $0x1111, %rbx; jne 2f\n"
    "cmpq $0x2222, %r12; jne 2f\n"
    "cmpl $0, (%rdi)\n"
    "je 1b\n"
    "popq %r12; .cfi_adjust_cfa_offset -8; .cfi_restore r12\n"
    "popq %rbx; .cfi_adjust_cfa_offset -8; .cfi_restore rbx\n"
    "ret\n"
    ".cfi_adjust_cfa_offset 16; .cfi_rel_offset rbx, 8; .cfi_rel_offset r12, 0\n"
    "2: ud2\n"
    "call_detour: lock incq (%rsi)\n"
    "jmp 1b\n"
    "call_loop_end: .cfi_endproc\n"
    ".size call_loop, . - call_loop\n");

int add(int left, int right) {
    int sum = left + right;
    return sum;
}

int twice(int number) {
    return add(number, number);
}

void rest(long milliseconds) {
    timespec duration{0, milliseconds * 1'000'000};
    nanosleep(&duration, nullptr);
}

void helper_round() {
    g_helper_rounds = g_helper_rounds + 1;
}

void help() {
    pthread_setname_np(pthread_self(), "helper");
    t_number = 8;
    while (g_stop == 0) {
        helper_round();
        for (int i = 0; i < 1000; ++i) {
        }
        rest(1);
    }
}

void serve_round(long round) {
    g_rounds = round;
}

int serve() {
    pthread_setname_np(pthread_self(), "main-loop");
    std::thread helper(help);
    for (long round = 1; g_stop == 0; ++round) {
        serve_round(round);
        raw_getpid();
        if (round % 20 == 0) {
            std::printf("round %ld\n", round);
            std::fflush(stdout);
        }
        rest(2);
    }
    helper.join();
    std::printf("stopped\n");
    return g_stop;
}

volatile long g_detours = 0;

int calls() {
    std::puts("calling");
    std::fflush(stdout);
    std::thread other(call_loop, &g_stop, &g_detours);
    call_loop(&g_stop, &g_detours);
    other.join();
    return g_stop;
}

int spin_deaf() {
    std::puts("deaf from here on");
    std::fflush(stdout);
    asm volatile("cli"); // an app is in ring 0, so it can
    while (g_stop == 0) {
    }
    asm volatile("sti");
    return g_stop;
}

void touch_page(volatile char* page) {
    *page = 1;
}

void spin_a_while() {
    for (int i = 0; i < 30'000'000; ++i) {
    }
}

int walk() {
    int null = open("/dev/null", O_WRONLY);
    std::puts("walking");
    std::fflush(stdout);
    for (;;) {
        if (raw_getpid() != getpid() || raw_write(null, "x", 1) != 1)
            return 1;
        spin_a_while();
        void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            return 1;
        touch_page(static_cast<char*>(page));
        munmap(page, 4096);
    }
}

volatile int g_told = 0;

int be_told() {
    struct sigaction action = {};
    action.sa_sigaction = [](int, siginfo_t* info, void*) { g_told = info->si_value.sival_int; };
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, nullptr);
    sigqueue(getpid(), SIGUSR1, {.sival_int = 42});
    std::printf("value %d\n", g_told);
    return 0;
}

int main(int argc, char** argv) {
    int sum = add(2, 3);
    sum = twice(sum);
    g_total = sum;
    if (argc > 1 && std::strcmp(argv[1], "serve") == 0)
        return serve();
    if (argc > 1 && std::strcmp(argv[1], "deaf") == 0)
        return spin_deaf();
    if (argc > 1 && std::strcmp(argv[1], "walk") == 0)
        return walk();
    if (argc > 1 && std::strcmp(argv[1], "signal") == 0)
        return be_told();
    if (argc > 1 && std::strcmp(argv[1], "calls") == 0)
        return calls();
    std::printf("total %d\n", g_total);
    return 0;
}
