#pragma once
/*
 * The stub for kernels in C. docs/gdbstub.md says what happens when; this header is gdbstub/Session.h and Target.h in
 * C: one kernel fills in struct gdbstub_kernel, and drives the session that it gets.
 *
 * Left to C++: AVX, conditions and commands of breakpoints evaluated in the kernel (gdb evaluates them itself), system
 * calls, files, auxiliary vectors, clients that only observe.
 *
 * Numbers of errors are Linux' (EIO 5, EFAULT 14, EINVAL 22, ENOSPC 28, ...), 0 is success. Nothing here is locked: who
 * calls what, and when, stands at each function. The kernel links memcpy, memmove, memset and memcmp, and defines
 * gdbstub_assertion_failed().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdbstub/arch/x86_64/gdbstub_registers.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gdbstub_thread {
    uint32_t id;       /* not 0, not 0xffffffff */
    int cpu;           /* negative: none */
    const char* name;  /* until the next call; null: none */
    const char* state; /* for people; null: none */
};

enum gdbstub_point { gdbstub_execute, gdbstub_write, gdbstub_read, gdbstub_access };

/*
 * What the stub asks of the kernel. All but request_stop() is called from gdbstub_run_stopped(), in the stopped world,
 * on the CPU that called it: take no lock that a stopped CPU may hold, and do not sleep. `context` is the kernel's own.
 */
struct gdbstub_kernel {
    void* context;

    /* Stop the world soon, and call gdbstub_run_stopped(). Called from gdbstub_feed() only. */
    void (*request_stop)(void* context);

    /* The channel to gdb, polled. receive: how many bytes there were, at most `size`; negative if the peer is gone.
       send: all of them, false if the peer is gone. idle, which may be null: nothing has come. */
    ptrdiff_t (*receive)(void* context, void* bytes, size_t size);
    bool (*send)(void* context, const void* bytes, size_t size);
    void (*idle)(void* context);

    /* Threads, by an index from 0 in an order that stays while the world is stopped; false behind the last. There is
       at least one. */
    bool (*thread)(void* context, size_t index, struct gdbstub_thread* out);

    /* `out` comes zeroed, with orig_rax -1; `values` is what was read with some registers
     * changed. */
    int (*read_registers)(void* context, uint32_t thread, struct gdbstub_registers* out);
    int (*write_registers)(void* context, uint32_t thread, const struct gdbstub_registers* values);

    /* Any address whatever: how many bytes were possible from there on. Never faults, never touches a device. Memory
       is shown without the breakpoints that stand in it. */
    size_t (*read_memory)(void* context, uint64_t address, void* bytes, size_t size);
    size_t (*write_memory)(void* context, uint64_t address, const void* bytes, size_t size);

    /* Optional from here on; null: not here, and gdb is told so. */

    /* Breakpoints in the code. A thread that runs into one stops with its pc on the address. */
    int (*insert_breakpoint)(void* context, uint64_t address);
    int (*remove_breakpoint)(void* context, uint64_t address);

    /* Breakpoints and watchpoints in the debug registers of all CPUs. */
    int (*insert_hardware_point)(void* context, enum gdbstub_point kind, uint64_t address, uint64_t length);
    int (*remove_hardware_point)(void* context, enum gdbstub_point kind, uint64_t address, uint64_t length);

    /* gdb's `monitor COMMAND`; `help` lists what there is. Text goes to print(). */
    void (*monitor)(void* context, const char* command, size_t length,
                    void (*print)(void* output, const char* text, size_t length), void* output);

    /* Whether gdb's `kill` ends the instance; otherwise it detaches. */
    bool kill_allowed;
};

enum gdbstub_reason {
    gdbstub_requested,           /* request_stop(), or the kernel itself wants it */
    gdbstub_signal,              /* `signal` (Linux' number) is about to end the thread, or to be delivered to it */
    gdbstub_step_done,           /* one instruction was stepped */
    gdbstub_breakpoint,          /* of insert_breakpoint() */
    gdbstub_hardware_breakpoint, /* of insert_hardware_point(gdbstub_execute) */
    gdbstub_watchpoint           /* of another kind, `point`, at `address` */
};

struct gdbstub_event {
    enum gdbstub_reason reason;
    uint32_t thread;
    int signal;
    enum gdbstub_point point;
    uint64_t address;
};

enum gdbstub_outcome {
    gdbstub_resume,   /* do what gdbstub_action_for() says */
    gdbstub_detached, /* everything continues; all breakpoints are gone already */
    gdbstub_kill      /* end the instance */
};

enum gdbstub_resume_kind {
    gdbstub_continue,
    gdbstub_step,       /* one instruction, then gdbstub_step_done */
    gdbstub_range_step, /* the same; while the pc is in [range_begin, range_end) the step need not be reported */
    gdbstub_stay
};

struct gdbstub_action {
    enum gdbstub_resume_kind kind;
    int signal; /* to be delivered first; 0: none */
    uint64_t range_begin, range_end;
};

struct gdbstub_session;

/* Makes a stub in `memory`, of which 48 KiB are enough; null if it is too little. `kernel` lives as long. */
struct gdbstub_session* gdbstub_create(void* memory, size_t size, const struct gdbstub_kernel* kernel);

/* The world runs: received bytes. May be called from an interrupt handler, on one CPU at a time. A stop that lands on
   a CPU in here is held off until it has returned. */
void gdbstub_feed(struct gdbstub_session* session, const void* bytes, size_t size);

/* The world is stopped, all registers where read_registers() finds them: serves gdb until it resumes or leaves. */
enum gdbstub_outcome gdbstub_run_stopped(struct gdbstub_session* session, const struct gdbstub_event* event);

/* What a thread does after that; valid until the next stop, also for threads that come into being meanwhile. */
struct gdbstub_action gdbstub_action_for(const struct gdbstub_session* session, uint32_t thread);

/* Whether there is a gdb, as far as known. */
bool gdbstub_attached(const struct gdbstub_session* session);

/* In the stopped world, at the end: gdb is told the exit status, or the signal. */
void gdbstub_report_exit(struct gdbstub_session* session, uint8_t status);
void gdbstub_report_termination(struct gdbstub_session* session, int signal);

/* The kernel defines this: a bug of the stub's. Does not return. */
void gdbstub_assertion_failed(const char* expression, const char* file, int line);

#ifdef __cplusplus
}
#endif
