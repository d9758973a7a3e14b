#pragma once
// What a crash file holds beyond a plain ELF core, and what the host needs to make one out of a dead machine.
// Guest and host include this one file; docs/crash-format.md is the normative text.
//
// A crash file is an ordinary ELF64 core (ET_CORE, EM_X86_64): PT_LOADs by virtual address, one PT_NOTE with
// NT_PRSTATUS per thread (the first is the culprit), NT_PRPSINFO, and the notes below under the name "Uniscope".
// All integers are little-endian; each structure begins on an 8-byte boundary of its note's descriptor.

#include <cstddef>
#include <cstdint>

namespace wire {

inline constexpr uint32_t core_version = 1;
inline constexpr char core_note_name[] = "Uniscope"; ///< n_namesz = 9 with its NUL, padded to 12

/// n_type of the "Uniscope" notes. Far from the NT_ numbers on purpose: bfd reads NT_PRSTATUS and friends whatever name
/// the note has.
enum class CoreNote : uint32_t {
    Reason = 0x55530001,  ///< CoreReason + UTF-8 text
    Threads = 0x55530002, ///< CoreTableHeader + CoreThread[]
    Rings = 0x55530003,   ///< CoreTableHeader + CoreRing[]
    Hello = 0x55530004,   ///< HelloMessage (Channel.h): build id, clock, ring geometry
    Cpus = 0x55530005,    ///< CoreTableHeader + CoreCpu[]
};

/// Opens a table. Readers step by `entry_size`, so newer entries may grow at their end.
struct CoreTableHeader {
    uint32_t entry_size;
    uint32_t count;
};
static_assert(sizeof(CoreTableHeader) == 8);

enum class CoreOrigin : uint32_t {
    Guest = 0, ///< the guest wrote the core itself
    Host = 1,  ///< made by the host from a memory dump of a stopped machine
};

struct CoreReason {
    uint32_t version; ///< core_version
    uint32_t origin;  ///< CoreOrigin
    uint32_t signal;  ///< Linux signal number; 0 for a kernel fault that has none
    uint32_t text_length;
    uint64_t fault_address; ///< what was accessed; meaningful with CoreReasonHasAddress
    uint64_t trace_time;    ///< TSC of the crash; 0 unknown
    uint32_t flags;         ///< CoreReasonFlags
    uint32_t reserved;
    // text_length bytes of text follow: one sentence, e.g. "write to 0x0, which is not mapped, at 0x401136"
};
static_assert(sizeof(CoreReason) == 40);

enum CoreReasonFlags : uint32_t {
    CoreReasonInKernel = 1u << 0,   ///< the culprit ran kernel code
    CoreReasonHasAddress = 1u << 1, ///< fault_address is valid
    CoreReasonOnDemand = 1u << 2,   ///< nothing went wrong: somebody asked for the core
};

enum class CoreThreadState : uint32_t {
    Running = 0,  ///< on CPU `cpu`
    Runnable = 1, ///< in the run queue of CPU `cpu`
    Blocked = 2,
    Exited = 3,
};

inline constexpr uint32_t core_no_cpu = 0xffffffff;
inline constexpr uint32_t core_no_system_call = 0xffffffff;
inline constexpr size_t core_thread_name_size = 16;

/// One thread. The NT_PRSTATUS with pr_pid == tid has its registers.
struct CoreThread {
    uint32_t tid;
    uint32_t cpu;         ///< where it runs or ran last; core_no_cpu
    uint32_t state;       ///< CoreThreadState
    uint32_t flags;       ///< CoreThreadFlags
    uint32_t system_call; ///< number of the system call it is in; core_no_system_call
    uint32_t reserved;
    uint64_t stack_low;               ///< kernel stack, lowest address; 0 unknown
    uint64_t stack_high;              ///< kernel stack, one past the highest
    char name[core_thread_name_size]; ///< NUL-terminated unless 16 long
};
static_assert(sizeof(CoreThread) == 56);

enum CoreThreadFlags : uint32_t {
    CoreThreadKernel = 1u << 0, ///< never runs app code
    CoreThreadIdle = 1u << 1,   ///< a CPU's idle thread; its tid is 0 in the trace
};

struct CoreCpu {
    uint32_t cpu;
    uint32_t tid;        ///< the thread on it; 0 idle
    uint64_t last_tick;  ///< TSC of its last timer interrupt; 0 unknown
    uint64_t page_table; ///< physical address of its top page table
};
static_assert(sizeof(CoreCpu) == 24);

/// Where one CPU's trace ring lies in the core's memory. Its sub-buffers are CTF packets (docs/trace-format.md).
struct CoreRing {
    uint32_t cpu;
    uint32_t sub_buffer_count;
    uint64_t address; ///< virtual address of sub-buffer 0; the others follow without gaps
    uint64_t sub_buffer_size;
    uint64_t current;      ///< index of the sub-buffer being written
    uint64_t current_used; ///< bytes reserved in it, from its first byte (the packet's header) on
    uint64_t produced;     ///< events produced on this CPU since boot
    uint64_t discarded;    ///< of these, lost; the flight recorder's overwritten ones included
};
static_assert(sizeof(CoreRing) == 56);

// NT_PRSTATUS and NT_PRPSINFO as Linux writes them for x86-64 (struct elf_prstatus and elf_prpsinfo of
// include/uapi/linux/elfcore.h; registers as struct user_regs_struct of arch/x86/include/asm/user_64.h).

inline constexpr uint32_t nt_prstatus = 1;
inline constexpr uint32_t nt_fpregset = 2; ///< 512 bytes, FXSAVE layout
inline constexpr uint32_t nt_prpsinfo = 3;
inline constexpr uint32_t nt_auxv = 6;

struct CoreRegisters {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t orig_rax; ///< number of the system call, ~0 outside of one
    uint64_t rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
static_assert(sizeof(CoreRegisters) == 27 * 8);
inline constexpr size_t core_register_count = 27;

struct CorePrStatus {
    int32_t si_signo, si_code, si_errno;
    int16_t pr_cursig; ///< the signal; nonzero for the culprit
    int16_t padding;
    uint64_t pr_sigpend, pr_sighold;
    int32_t pr_pid; ///< tid
    int32_t pr_ppid, pr_pgrp, pr_sid;
    uint64_t pr_utime[2], pr_stime[2], pr_cutime[2], pr_cstime[2];
    CoreRegisters pr_reg;
    int32_t pr_fpvalid;
    int32_t padding_end;
};
static_assert(sizeof(CorePrStatus) == 336);
static_assert(offsetof(CorePrStatus, pr_pid) == 32);
static_assert(offsetof(CorePrStatus, pr_reg) == 112);

struct CorePrPsInfo {
    int8_t pr_state, pr_sname, pr_zomb, pr_nice;
    uint32_t padding;
    uint64_t pr_flag;
    uint32_t pr_uid, pr_gid;
    int32_t pr_pid, pr_ppid, pr_pgrp, pr_sid;
    char pr_fname[16];  ///< the image's file name
    char pr_psargs[80]; ///< its arguments
};
static_assert(sizeof(CorePrPsInfo) == 136);

// ---------------------------------------------------------------------------------------------------------------------
// The crash root: what the kernel keeps in memory so that the host can make the same core from a machine that could not
// write one itself (triple fault, hang). The kernel defines one object named `uniscope_crash_root`; it is findable by
// its symbol in the image and is filled in before the second CPU starts. The host trusts nothing in it.

inline constexpr char crash_root_symbol[] = "uniscope_crash_root";
inline constexpr uint64_t crash_root_magic = 0x48534152'43494e55; // "UNICRASH"
inline constexpr uint32_t crash_root_version = 1;

/// Where a kernel frame keeps each register: the byte offset from the frame's first byte, by index into CoreRegisters.
struct CrashFrameLayout {
    static constexpr uint16_t not_saved = 0xffff;
    uint16_t size; ///< bytes; a register rsp that is not saved was frame + size
    uint16_t offset[core_register_count];
};
static_assert(sizeof(CrashFrameLayout) == 56);

/// One thread, kept current by the scheduler; may be a member of the kernel's own thread object.
struct CrashThread {
    CoreThread thread;     ///< `cpu` and `state` at the last change
    uint64_t switch_frame; ///< while off a CPU: address of the frame that the context switch left on the kernel stack
    uint64_t
        user_frame;   ///< while in the kernel: address of the trap or system call frame with the app's registers; or 0
    uint64_t fs_base; ///< as saved at the last switch
};
static_assert(sizeof(CrashThread) == 80);

struct CrashCpu {
    CoreCpu cpu;
    uint64_t current; ///< address of the CrashThread on this CPU; 0 before the first
    uint64_t gs_base; ///< of the kernel on this CPU: tells which of the machine's CPUs this is
};
static_assert(sizeof(CrashCpu) == 40);

struct CrashRing {
    CoreRing ring;     ///< cpu and geometry; the other fields are read through the addresses that follow, where nonzero
    uint64_t head;     ///< address of a live uint64_t: its low 32 bits are the offset of the next event in the ring
    uint64_t limit;    ///< address of a live uint32_t: end of the open sub-buffer as an offset in the ring; 0 none
    uint64_t produced; ///< address of a live uint64_t, as CoreRing::produced
    uint64_t discarded; ///< address of a live uint64_t, as CoreRing::discarded
};
static_assert(sizeof(CrashRing) == 88);

struct CrashRoot {
    uint64_t magic;   ///< crash_root_magic, stored last
    uint32_t version; ///< crash_root_version
    uint32_t size;    ///< sizeof(CrashRoot)

    uint64_t threads;         ///< address of uint64_t[thread_capacity]: each 0 or the address of a CrashThread
    uint32_t thread_capacity; ///< at most 65536
    uint32_t cpu_count;       ///< at most 1024
    uint64_t cpus;            ///< address of CrashCpu[cpu_count]
    uint64_t rings;           ///< address of CrashRing[ring_count]
    uint32_t ring_count;
    uint32_t reserved;
    uint64_t hello; ///< address of a HelloMessage

    uint64_t reason;      ///< address of a CoreReason + text, when the kernel had begun to report; or 0
    uint32_t culprit_tid; ///< valid with `reason`
    uint32_t reserved2;

    CrashFrameLayout switch_layout; ///< of CrashThread::switch_frame
    CrashFrameLayout user_layout;   ///< of CrashThread::user_frame
};
static_assert(sizeof(CrashRoot) == 192);

} // namespace wire
