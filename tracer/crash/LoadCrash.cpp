#include "tracer/crash/LoadCrash.h"

#include "tracer/analysis/TraceLoader.h"
#include "tracer/crash/CrashTrace.h"
#include "tracer/crash/ElfFile.h"
#include "tracer/symbols/FindImage.h"
#include "tracer/trace/ImageSchema.h"

#include <elf.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

namespace crash {

using tracer::Result;

namespace {

/// Removed with what is in it. A trace that is mapped stays readable.
class ScratchDirectory {
public:
    static Result<ScratchDirectory> create() {
        std::string pattern = (std::filesystem::temp_directory_path() / "uniscope-XXXXXX").string();
        if (!mkdtemp(pattern.data()))
            return tracer::fail_errno("cannot make a temporary directory", errno);
        return ScratchDirectory(pattern);
    }
    ScratchDirectory(ScratchDirectory&& other) noexcept
        : m_path(std::exchange(other.m_path, {})) {}
    ScratchDirectory& operator=(ScratchDirectory&&) = delete;
    ~ScratchDirectory() {
        std::error_code ignored;
        if (!m_path.empty())
            std::filesystem::remove_all(m_path, ignored);
    }
    const std::filesystem::path& path() const { return m_path; }

private:
    explicit ScratchDirectory(std::filesystem::path path)
        : m_path(std::move(path)) {}
    std::filesystem::path m_path;
};

} // namespace

bool is_core_file(const std::filesystem::path& path) {
    std::array<char, sizeof(Elf64_Ehdr)> bytes{};
    std::ifstream file(path, std::ios::binary);
    if (!file.read(bytes.data(), bytes.size()))
        return false;
    auto header = read_structure<Elf64_Ehdr>({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_CORE;
}

nlohmann::json read_crash_sidecar(std::filesystem::path core) {
    std::ifstream file(core.replace_extension(".json"));
    auto json = nlohmann::json::parse(file, nullptr, false);
    return json.is_object() ? json : nlohmann::json::object();
}

static std::string text_of(const nlohmann::json& json, const char* key) {
    auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<tracer::Symbolizer> open_crash_image(const CoreFile& core, const std::string& image) {
    auto sidecar = read_crash_sidecar(core.path());
    std::string build_id = core.build_id().empty() ? text_of(sidecar, "build_id") : core.build_id();
    if (!image.empty())
        return tracer::Symbolizer::open(image, build_id);
    std::string path = text_of(sidecar, "image");
    if (path.empty() && build_id.empty())
        return tracer::fail(fmt::format("{} does not say what ran", core.path().string()),
                            "Give the image with --image PATH.");
    return tracer::Symbolizer::open(TRY(tracer::find_image(path, build_id)), build_id);
}

static Result<std::shared_ptr<const tracer::Timeline>>
load_last_events(const CoreFile& core, const tracer::Image& image, const std::string& instance) {
    auto scratch = TRY(ScratchDirectory::create());
    auto path = scratch.path() / "crash.trace";
    auto schema = TRY(tracer::read_schema(image));
    if (TRY(extract_trace(core, schema, instance, image.path().string(), path)) == 0)
        return nullptr;
    return std::make_shared<const tracer::Timeline>(TRY(tracer::load_timeline(path)));
}

static void add_last_events(CrashReport& report, const tracer::Timeline& timeline, size_t count) {
    const auto& events = timeline.events();
    report.lost_events = timeline.lost_events();
    for (size_t row = events.size() - std::min(count, events.size()); row < events.size(); ++row)
        report.last_events.push_back(fmt::format("{:>12}  cpu {}  {:<16}  {}  {}",
                                                 fmt::format("-{} us", (timeline.end() - events.time[row]) / 1000),
                                                 events.cpu[row], timeline.thread_label(events.thread[row]),
                                                 timeline.event_type(row).name, timeline.fields_text(row)));
}

Result<Crash> load_crash(const std::filesystem::path& path, const std::string& image, size_t last_events) {
    Crash crash;
    auto core = std::make_shared<CoreFile>(TRY(CoreFile::open(path)));
    auto symbolizer = TRY(open_crash_image(*core, image));
    auto cfi = TRY(tracer::CfiTable::open(symbolizer.image().path()));
    crash.report = make_crash_report(*core, symbolizer, cfi);
    crash.report.instance = text_of(read_crash_sidecar(path), "name");
    auto timeline = load_last_events(*core, symbolizer.image(), crash.report.instance);
    if (!timeline)
        crash.timeline_problem = timeline.error().message;
    else if (!*timeline)
        crash.timeline_problem = "the core has none";
    else
        crash.timeline = *timeline;
    if (crash.timeline)
        add_last_events(crash.report, *crash.timeline, last_events);
    crash.core = std::move(core);
    return crash;
}

} // namespace crash
