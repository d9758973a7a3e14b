#pragma once
// CoreFile: a crash file as values (docs/crash-format.md): threads with registers, memory, and Uniscope's notes.

#include "probes/wire/Channel.h"
#include "probes/wire/Core.h"
#include "tracer/Result.h"
#include "tracer/symbols/Registers.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace crash {

struct CoreSegment {
    uint64_t address = 0;
    uint64_t size = 0;              ///< in memory; what the file does not have of it is zero
    std::span<const uint8_t> bytes; ///< in the file
    uint32_t flags = 0;             ///< PF_R, PF_W, PF_X
};

struct CoreThreadState {
    uint32_t tid = 0;
    int signal = 0; ///< nonzero for the culprit
    wire::CoreRegisters registers{};
    wire::CoreThread info{}; ///< name, state, CPU; has_info tells whether the core has them
    bool has_info = false;

    std::string name() const; ///< "thread 12" if it has none
};

struct CoreReason {
    wire::CoreReason header{};
    std::string text;
};

/// Owns the mapped file. Immutable after open: any thread may read it. The file may come from a machine that went
/// wrong: all its lengths and offsets are checked.
class CoreFile {
public:
    /// Fails in words if it is no ELF core for x86-64, or has no threads.
    static tracer::Result<CoreFile> open(const std::filesystem::path& path);

    const std::filesystem::path& path() const { return m_path; }
    const std::vector<CoreSegment>& segments() const { return m_segments; }
    /// The culprit first; never empty.
    const std::vector<CoreThreadState>& threads() const { return m_threads; }
    const std::optional<CoreReason>& reason() const { return m_reason; }
    const std::optional<wire::HelloMessage>& hello() const { return m_hello; }
    const std::vector<wire::CoreRing>& rings() const { return m_rings; }
    const std::vector<wire::CoreCpu>& cpus() const { return m_cpus; }
    /// The image's name and arguments; may be empty.
    const std::string& command() const { return m_command; }
    /// Hexadecimal; empty if the core does not say.
    std::string build_id() const;

    /// Fills `to` from virtual address `address` on; false if any of it is not in the core.
    bool read(uint64_t address, std::span<uint8_t> to) const;
    tracer::MemoryReader memory() const {
        return [this](uint64_t address, std::span<uint8_t> to) { return read(address, to); };
    }

private:
    void read_note(std::string_view name, uint32_t type, std::span<const uint8_t> descriptor);
    void read_notes(std::span<const uint8_t> bytes);

    std::filesystem::path m_path;
    std::shared_ptr<const void> m_mapping;
    std::vector<CoreSegment> m_segments; ///< by address
    std::vector<CoreThreadState> m_threads;
    std::optional<CoreReason> m_reason;
    std::optional<wire::HelloMessage> m_hello;
    std::vector<wire::CoreRing> m_rings;
    std::vector<wire::CoreCpu> m_cpus;
    std::vector<wire::CoreThread> m_thread_infos;
    std::string m_command;
};

} // namespace crash
