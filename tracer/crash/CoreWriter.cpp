#include "tracer/crash/CoreWriter.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace crash {

using tracer::Result;

static constexpr uint64_t g_page = 4096;

namespace {

/// The bytes of a PT_NOTE.
class Notes {
public:
    void add(std::string_view name, uint32_t type, std::span<const uint8_t> descriptor) {
        Elf64_Nhdr header{.n_namesz = static_cast<uint32_t>(name.size() + 1),
                          .n_descsz = static_cast<uint32_t>(descriptor.size()),
                          .n_type = type};
        append({reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
        append({reinterpret_cast<const uint8_t*>(name.data()), name.size()});
        m_bytes.push_back(0);
        pad();
        append(descriptor);
        pad();
    }
    template <typename T>
    void add_structure(std::string_view name, uint32_t type, const T& value) {
        add(name, type, {reinterpret_cast<const uint8_t*>(&value), sizeof(value)});
    }
    template <typename T>
    void add_table(wire::CoreNote type, const std::vector<T>& entries) {
        wire::CoreTableHeader header{.entry_size = sizeof(T), .count = static_cast<uint32_t>(entries.size())};
        std::vector<uint8_t> bytes(sizeof(header) + entries.size() * sizeof(T));
        memcpy(bytes.data(), &header, sizeof(header));
        if (!entries.empty())
            memcpy(bytes.data() + sizeof(header), entries.data(), entries.size() * sizeof(T));
        add(wire::core_note_name, static_cast<uint32_t>(type), bytes);
    }
    const std::vector<uint8_t>& bytes() const { return m_bytes; }

private:
    void append(std::span<const uint8_t> bytes) { m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end()); }
    void pad() { m_bytes.resize((m_bytes.size() + 3) & ~size_t{3}); }
    std::vector<uint8_t> m_bytes;
};

void add_thread(Notes& notes, const CoreThreadState& thread) {
    wire::CorePrStatus status{};
    status.si_signo = thread.signal;
    status.pr_cursig = static_cast<int16_t>(thread.signal);
    status.pr_pid = static_cast<int32_t>(thread.tid);
    status.pr_reg = thread.registers;
    notes.add_structure("CORE", wire::nt_prstatus, status);
}

std::vector<uint8_t> make_notes(const CoreContents& contents) {
    Notes notes;
    for (size_t i = 0; i < contents.threads.size(); ++i) {
        add_thread(notes, contents.threads[i]);
        if (i != 0)
            continue;
        wire::CorePrPsInfo info{};
        info.pr_sname = 'R';
        info.pr_pid = 1;
        contents.command.copy(info.pr_psargs, sizeof(info.pr_psargs) - 1);
        std::filesystem::path(contents.command).filename().string().copy(info.pr_fname, sizeof(info.pr_fname) - 1);
        notes.add_structure("CORE", wire::nt_prpsinfo, info);
    }
    auto reason = contents.reason.header;
    reason.version = wire::core_version;
    reason.text_length = static_cast<uint32_t>(contents.reason.text.size());
    std::vector<uint8_t> bytes(sizeof(reason));
    memcpy(bytes.data(), &reason, sizeof(reason));
    bytes.insert(bytes.end(), contents.reason.text.begin(), contents.reason.text.end());
    notes.add(wire::core_note_name, static_cast<uint32_t>(wire::CoreNote::Reason), bytes);
    std::vector<wire::CoreThread> threads;
    for (const auto& thread : contents.threads)
        threads.push_back(thread.info);
    notes.add_table(wire::CoreNote::Threads, threads);
    notes.add_table(wire::CoreNote::Cpus, contents.cpus);
    notes.add_table(wire::CoreNote::Rings, contents.rings);
    notes.add_structure(wire::core_note_name, static_cast<uint32_t>(wire::CoreNote::Hello), contents.hello);
    return notes.bytes();
}

class Output {
public:
    explicit Output(int fd)
        : m_fd(fd) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() {
        if (m_fd >= 0)
            close(m_fd);
    }
    void put(uint64_t offset, std::span<const uint8_t> bytes) {
        while (!bytes.empty() && m_error == 0) {
            ssize_t written = pwrite(m_fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno != EINTR)
                m_error = errno;
            if (written > 0) {
                offset += static_cast<uint64_t>(written);
                bytes = bytes.subspan(static_cast<size_t>(written));
            }
        }
    }
    int finish(uint64_t size) {
        if (m_error == 0 && ftruncate(m_fd, static_cast<off_t>(size)) != 0)
            m_error = errno;
        return m_error;
    }

private:
    int m_fd;
    int m_error = 0;
};

bool is_zero(std::span<const uint8_t> page) {
    return page[0] == 0 && memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

} // namespace

Result<> write_core(const std::filesystem::path& path, const CoreContents& contents,
                    const tracer::MemoryReader& memory) {
    int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return tracer::fail_errno(fmt::format("cannot write {}", path.string()), errno);
    Output output(fd);
    auto notes = make_notes(contents);
    auto count = static_cast<uint16_t>(contents.ranges.size() + 1);
    if (contents.ranges.size() >= PN_XNUM - 1)
        return tracer::fail("the machine's memory is in too many pieces for a core file");
    uint64_t notes_at = sizeof(Elf64_Ehdr) + uint64_t{count} * sizeof(Elf64_Phdr);
    std::vector<Elf64_Phdr> programs;
    programs.push_back({.p_type = PT_NOTE,
                        .p_flags = 0,
                        .p_offset = notes_at,
                        .p_vaddr = 0,
                        .p_paddr = 0,
                        .p_filesz = notes.size(),
                        .p_memsz = 0,
                        .p_align = 4});
    uint64_t at = (notes_at + notes.size() + g_page - 1) & ~(g_page - 1);
    std::vector<uint8_t> page(g_page);
    for (const auto& range : contents.ranges) {
        uint64_t used = 0; // up to the last page that is not zero
        for (uint64_t offset = 0; offset < range.size; offset += g_page) {
            if (!memory(range.address + offset, page) || is_zero(page))
                continue;
            output.put(at + offset, page);
            used = offset + g_page;
        }
        programs.push_back({.p_type = PT_LOAD,
                            .p_flags = range.flags,
                            .p_offset = at,
                            .p_vaddr = range.address,
                            .p_paddr = 0,
                            .p_filesz = used,
                            .p_memsz = range.size,
                            .p_align = g_page});
        at += used;
    }
    Elf64_Ehdr header{};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_CORE;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_phoff = sizeof(header);
    header.e_ehsize = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = count;
    output.put(0, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
    output.put(sizeof(header),
               {reinterpret_cast<const uint8_t*>(programs.data()), programs.size() * sizeof(Elf64_Phdr)});
    output.put(notes_at, notes);
    if (int error = output.finish(at); error != 0)
        return tracer::fail_errno(fmt::format("cannot write {}", path.string()), error);
    return {};
}

} // namespace crash
