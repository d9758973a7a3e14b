/* A kernel that is not the libOS: one processor, one thread, two UARTs. gdb attaches to the second one and can do what
   it does with gdbserver: breakpoints, steps, watchpoints, registers, memory, Ctrl-C. */
#include "gdbstub/gdbstub.h"

enum { console = 0x3f8, gdb_line = 0x2f8, gdb_interrupt = 0x20 + 3 };
enum { debug_exception = 1, breakpoint_exception = 3, trap_flag = 0x100, resume_flag = 0x10000 };

/* Start.S */
struct frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};
extern char vectors[], image_begin[], image_end[];

/* What the stub and the code below share: all of the one processor, touched in trap() with interrupts off. */
static struct gdbstub_session* stub;
static struct frame* stopped; /* the thread's registers, in the stopped world */
static bool stop_wanted;
static struct {
    uint64_t address;
    uint8_t saved;
    bool used;
} breakpoints[128];
static struct {
    uint64_t address, length;
    enum gdbstub_point kind;
    bool used;
} points[4];

/* --- The machine ------------------------------------------------------------------------------------------------ */

void* memcpy(void* to, const void* from, size_t n) {
    void* result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
    return result;
}
void* memmove(void* to, const void* from, size_t n) {
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    for (volatile uint8_t* t = (volatile uint8_t*)to + n; n-- > 0;)
        *--t = ((const uint8_t*)from)[n];
    return to;
}
void* memset(void* to, int value, size_t n) {
    void* result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
    return result;
}
int memcmp(const void* a, const void* b, size_t n) {
    for (size_t i = 0; i < n; ++i)
        if (((const uint8_t*)a)[i] != ((const uint8_t*)b)[i])
            return ((const uint8_t*)a)[i] - ((const uint8_t*)b)[i];
    return 0;
}

static void out(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
static uint8_t in(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void uart_start(uint16_t port, bool interrupts) {
    out(port + 1, interrupts ? 1 : 0); /* when something has come */
    out(port + 2, 7);                  /* FIFOs on, empty, at the first byte */
    out(port + 3, 3);                  /* 8n1 */
    out(port + 4, 0xb);                /* DTR, RTS, OUT2: the interrupt's way out */
}
static bool uart_take(uint16_t port, uint8_t* byte) {
    if ((in(port + 5) & 1) == 0)
        return false;
    *byte = in(port);
    return true;
}
static void uart_put(uint16_t port, uint8_t byte) {
    while ((in(port + 5) & 0x20) == 0) {
    }
    out(port, byte);
}

static void print(const char* text) {
    for (; *text != 0; ++text)
        uart_put(console, (uint8_t)*text);
}
static void print_number(uint64_t value) {
    char digits[21], *at = digits + sizeof(digits);
    *--at = 0;
    do {
        *--at = (char)('0' + value % 10);
    } while ((value /= 10) != 0);
    print(at);
}

/* A reset, which ends QEMU if it was given -no-reboot. */
__attribute__((noreturn)) static void power_off(void) {
    for (;;)
        out(0x64, 0xfe);
}

void gdbstub_assertion_failed(const char* expression, const char* file, int line) {
    print(file), print(":"), print_number((uint64_t)line), print(": "), print(expression), print("\n");
    power_off();
}

static void load_debug_registers(bool enabled) {
    uint64_t control = 0;
    for (unsigned i = 0; i < 4; ++i) {
        if (!points[i].used)
            continue;
        uint64_t kind = points[i].kind == gdbstub_execute ? 0 : points[i].kind == gdbstub_write ? 1 : 3;
        uint64_t length = points[i].length == 8 ? 2 : points[i].length - 1;
        control |= (uint64_t)2 << (2 * i) | (kind | length << 2) << (16 + 4 * i);
    }
    __asm__ volatile(
        "movq %0, %%dr0; movq %1, %%dr1; movq %2, %%dr2; movq %3, %%dr3; movq %4, %%dr7" ::"r"(points[0].address),
        "r"(points[1].address), "r"(points[2].address), "r"(points[3].address), "r"(enabled ? control : 0));
}

/* --- What the stub asks for ------------------------------------------------------------------------------------- */

static void request_stop(void* context) {
    (void)context;
    stop_wanted = true; /* trap() looks when gdbstub_feed() has returned */
}

static ptrdiff_t receive(void* context, void* bytes, size_t size) {
    (void)context;
    size_t count = 0;
    while (count < size && uart_take(gdb_line, (uint8_t*)bytes + count))
        ++count;
    return (ptrdiff_t)count;
}
static bool send(void* context, const void* bytes, size_t size) {
    (void)context;
    for (size_t i = 0; i < size; ++i)
        uart_put(gdb_line, ((const uint8_t*)bytes)[i]);
    return true;
}

static bool thread(void* context, size_t index, struct gdbstub_thread* info) {
    (void)context;
    *info = (struct gdbstub_thread){.id = 1, .cpu = 0, .name = "kernel", .state = "the only one"};
    return index == 0;
}

/* struct frame's part, in the order of gdbstub_registers. */
static uint64_t* slot(struct frame* f, unsigned i) {
    uint64_t* slots[] = {&f->rax, &f->rbx, &f->rcx, &f->rdx, &f->rsi, &f->rdi, &f->rbp, &f->rsp, &f->r8,
                         &f->r9,  &f->r10, &f->r11, &f->r12, &f->r13, &f->r14, &f->r15, &f->rip};
    return slots[i];
}
static int read_registers(void* context, uint32_t id, struct gdbstub_registers* r) {
    (void)context, (void)id;
    for (unsigned i = 0; i < 17; ++i)
        (&r->rax)[i] = *slot(stopped, i);
    r->eflags = (uint32_t)(stopped->rflags & ~(uint64_t)(trap_flag | resume_flag));
    r->cs = (uint32_t)stopped->cs, r->ss = r->ds = r->es = (uint32_t)stopped->ss;
    __asm__ volatile("fxsave64 %0" : "=m"(r->fxsave));
    return 0;
}
static int write_registers(void* context, uint32_t id, const struct gdbstub_registers* r) {
    (void)context, (void)id;
    for (unsigned i = 0; i < 17; ++i)
        *slot(stopped, i) = (&r->rax)[i];
    stopped->rflags = (stopped->rflags & ~(uint64_t)0xcd5) | (r->eflags & 0xcd5);
    __asm__ volatile("fxrstor64 %0" ::"m"(r->fxsave));
    return 0;
}

/* gdb sees the kernel's image, its stack included, and nothing else. */
static size_t clip(uint64_t address, size_t size) {
    uint64_t begin = (uint64_t)image_begin, end = (uint64_t)image_end;
    return address < begin || address >= end ? 0 : size < end - address ? size : end - address;
}
static size_t read_memory(void* context, uint64_t address, void* bytes, size_t size) {
    (void)context;
    size = clip(address, size);
    memcpy(bytes, (const void*)address, size);
    for (unsigned i = 0; i < 128; ++i)
        if (breakpoints[i].used && breakpoints[i].address - address < size)
            ((uint8_t*)bytes)[breakpoints[i].address - address] = breakpoints[i].saved;
    return size;
}
static size_t write_memory(void* context, uint64_t address, const void* bytes, size_t size) {
    (void)context;
    size = clip(address, size);
    memcpy((void*)address, bytes, size);
    for (unsigned i = 0; i < 128; ++i) {
        if (!breakpoints[i].used || breakpoints[i].address - address >= size)
            continue;
        breakpoints[i].saved = *(uint8_t*)breakpoints[i].address;
        *(uint8_t*)breakpoints[i].address = 0xcc;
    }
    return size;
}

static int insert_breakpoint(void* context, uint64_t address) {
    (void)context;
    if (clip(address, 1) == 0)
        return 14; /* EFAULT */
    for (unsigned i = 0; i < 128; ++i) {
        if (breakpoints[i].used)
            continue;
        breakpoints[i].address = address, breakpoints[i].used = true;
        breakpoints[i].saved = *(uint8_t*)address;
        *(volatile uint8_t*)address = 0xcc;
        return 0;
    }
    return 28; /* ENOSPC */
}
static int remove_breakpoint(void* context, uint64_t address) {
    (void)context;
    for (unsigned i = 0; i < 128; ++i) {
        if (!breakpoints[i].used || breakpoints[i].address != address)
            continue;
        *(volatile uint8_t*)address = breakpoints[i].saved;
        breakpoints[i].used = false;
        return 0;
    }
    return 2; /* ENOENT */
}

static int insert_point(void* context, enum gdbstub_point kind, uint64_t address, uint64_t length) {
    (void)context;
    bool fits = length == 1 || length == 2 || length == 4 || length == 8;
    if (!fits || address % length != 0)
        return 22; /* EINVAL */
    for (unsigned i = 0; i < 4; ++i) {
        if (points[i].used)
            continue;
        points[i].address = address, points[i].length = length, points[i].kind = kind, points[i].used = true;
        return 0;
    }
    return 28;
}
static int remove_point(void* context, enum gdbstub_point kind, uint64_t address, uint64_t length) {
    (void)context;
    for (unsigned i = 0; i < 4; ++i) {
        if (points[i].used && points[i].kind == kind && points[i].address == address && points[i].length == length) {
            points[i].used = false;
            return 0;
        }
    }
    return 2;
}

static const struct gdbstub_kernel this_kernel = {
    .request_stop = request_stop,
    .receive = receive,
    .send = send,
    .thread = thread,
    .read_registers = read_registers,
    .write_registers = write_registers,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .insert_breakpoint = insert_breakpoint,
    .remove_breakpoint = remove_breakpoint,
    .insert_hardware_point = insert_point,
    .remove_hardware_point = remove_point,
    .kill_allowed = true,
};

/* --- What stops it ---------------------------------------------------------------------------------------------- */

static void stop(struct frame* f, struct gdbstub_event event) {
    event.thread = 1;
    stopped = f;
    stop_wanted = false;
    load_debug_registers(false);
    if (gdbstub_run_stopped(stub, &event) == gdbstub_kill)
        power_off();
    load_debug_registers(true);
    struct gdbstub_action action = gdbstub_action_for(stub, 1);
    f->rflags &= ~(uint64_t)trap_flag;
    if (action.kind == gdbstub_step || action.kind == gdbstub_range_step)
        f->rflags |= trap_flag;
}

static void handle_debug_exception(struct frame* f) {
    uint64_t status;
    __asm__ volatile("movq %%dr6, %0; movq %1, %%dr6" : "=&r"(status) : "r"((uint64_t)0xffff0ff0));
    for (unsigned i = 0; i < 4; ++i) {
        if ((status >> i & 1) == 0 || !points[i].used)
            continue;
        if (points[i].kind != gdbstub_execute) {
            stop(f, (struct gdbstub_event){
                        .reason = gdbstub_watchpoint, .point = points[i].kind, .address = points[i].address});
        } else {
            stop(f, (struct gdbstub_event){.reason = gdbstub_hardware_breakpoint});
            f->rflags |= resume_flag; /* past it, once */
        }
        return;
    }
    struct gdbstub_action action = gdbstub_action_for(stub, 1);
    if (action.kind == gdbstub_range_step && f->rip >= action.range_begin && f->rip < action.range_end)
        return;
    stop(f, (struct gdbstub_event){.reason = gdbstub_step_done});
}

/* Linux' numbers, as gdb knows them: SIGFPE, SIGILL, SIGSEGV. */
static int signal_of(uint64_t vector) {
    return vector == 0 || vector == 16 || vector == 19 ? 8 : vector == 6 ? 4 : vector == breakpoint_exception ? 5 : 11;
}

void trap(struct frame* f) {
    if (f->vector == debug_exception) {
        handle_debug_exception(f);
    } else if (f->vector == breakpoint_exception) {
        for (unsigned i = 0; i < 128; ++i) {
            if (breakpoints[i].used && breakpoints[i].address == f->rip - 1) {
                --f->rip;
                stop(f, (struct gdbstub_event){.reason = gdbstub_breakpoint});
                return;
            }
        }
        stop(f, (struct gdbstub_event){.reason = gdbstub_signal, .signal = 5});
    } else if (f->vector < 0x20) {
        print("An exception: the kernel waits for gdb.\n");
        stop(f, (struct gdbstub_event){.reason = gdbstub_signal, .signal = signal_of(f->vector)});
    } else if (f->vector == gdb_interrupt) {
        /* Again after each stop: what it did not read makes no second interrupt. */
        for (uint8_t byte; uart_take(gdb_line, &byte);) {
            gdbstub_feed(stub, &byte, 1);
            if (stop_wanted)
                stop(f, (struct gdbstub_event){.reason = gdbstub_requested});
        }
    }
    if (f->vector >= 0x20)
        out(0x20, 0x20); /* all that come are of the first 8259 */
}

/* --- What it does ----------------------------------------------------------------------------------------------- */

volatile uint64_t rounds;
volatile int finish; /* set by a debugger: the kernel ends with this status */
volatile uint64_t longest, longest_start;

__attribute__((noinline)) uint64_t collatz(uint64_t n) {
    uint64_t steps = 0;
    for (; n != 1; ++steps)
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

static void start_interrupts(void) {
    static struct {
        uint16_t low, selector;
        uint8_t stack, type;
        uint16_t middle;
        uint32_t high, zero;
    } gates[48];
    static struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer = {sizeof(gates) - 1, (uint64_t)gates};
    for (unsigned i = 0; i < 48; ++i) {
        uint64_t address = (uint64_t)vectors + 16 * i;
        gates[i].low = (uint16_t)address, gates[i].middle = (uint16_t)(address >> 16), gates[i].selector = 8;
        gates[i].type = 0x8e;
    }
    __asm__ volatile("lidt %0" ::"m"(pointer));
    /* Both 8259: vectors from 0x20, only gdb's line and the second one's let through. */
    const uint8_t words[][2] = {{0x20, 0x11}, {0xa0, 0x11}, {0x21, 0x20}, {0xa1, 0x28}, {0x21, 4},
                                {0xa1, 2},    {0x21, 1},    {0xa1, 1},    {0x21, 0xf7}, {0xa1, 0xff}};
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); ++i)
        out(words[i][0], words[i][1]);
    __asm__ volatile("sti");
}

void kernel_main(void) {
    static _Alignas(16) uint8_t memory[48 * 1024];
    uart_start(console, false);
    uart_start(gdb_line, true);
    stub = gdbstub_create(memory, sizeof(memory), &this_kernel);
    start_interrupts();
    print("A kernel with a stub: gdb may come.\n");
    for (; finish == 0; ++rounds) {
        uint64_t steps = collatz(rounds + 1);
        if (steps > longest)
            longest = steps, longest_start = rounds + 1;
    }
    __asm__ volatile("cli");
    print("The longest way, of "), print_number(longest), print(" steps, begins at "), print_number(longest_start);
    print(".\n");
    gdbstub_report_exit(stub, (uint8_t)finish);
    power_off();
}
