#include "tracer/symbols/Symbolizer.h"

#include <fmt/format.h>
#include <llvm/DebugInfo/Symbolize/Symbolize.h>

#include <unordered_map>

namespace tracer {

std::string to_string(const SourceFrame& frame) {
    std::string text = frame.function;
    if (frame.line != 0)
        text += fmt::format(" at {}:{}", std::filesystem::path(frame.file).filename().string(), frame.line);
    if (frame.is_inlined)
        text += " (inlined)";
    return text;
}

struct Symbolizer::State {
    Image image;
    llvm::symbolize::LLVMSymbolizer symbolizer;
    std::string path;
    std::unordered_map<uint64_t, std::vector<SourceFrame>> cache;

    State(Image opened, const llvm::symbolize::LLVMSymbolizer::Options& options)
        : image(std::move(opened))
        , symbolizer(options)
        , path(image.path().string()) {}

    std::vector<SourceFrame> look_up(uint64_t address);
};

Symbolizer::Symbolizer(std::unique_ptr<State> state)
    : m_state(std::move(state)) {}
Symbolizer::Symbolizer(Symbolizer&&) noexcept = default;
Symbolizer& Symbolizer::operator=(Symbolizer&&) noexcept = default;
Symbolizer::~Symbolizer() = default;

const Image& Symbolizer::image() const {
    return m_state->image;
}

Result<Symbolizer> Symbolizer::open(const std::filesystem::path& path, std::string_view build_id) {
    auto image = TRY(Image::open(path));
    if (!build_id.empty() && image.build_id() != build_id)
        return fail(fmt::format("{} is another build: it has build id {}, and {} is needed", path.string(),
                                image.build_id().empty() ? "none" : image.build_id(), build_id),
                    "give the image that ran with --image PATH");
    llvm::symbolize::LLVMSymbolizer::Options options;
    options.Demangle = true;
    options.UseSymbolTable = true;
    return Symbolizer(std::make_unique<State>(std::move(image), options));
}

std::vector<SourceFrame> Symbolizer::State::look_up(uint64_t address) {
    std::vector<SourceFrame> frames;
    auto found = symbolizer.symbolizeInlinedCode(
        path, llvm::object::SectionedAddress{address, llvm::object::SectionedAddress::UndefSection});
    if (!found) {
        llvm::consumeError(found.takeError());
    } else {
        for (uint32_t i = 0; i < found->getNumberOfFrames(); ++i) {
            const auto& info = found->getFrame(i);
            SourceFrame frame;
            if (info.FunctionName != llvm::DILineInfo::BadString)
                frame.function = info.FunctionName;
            frame.line = info.Line;
            // Without a line the name is only the symbol table's: an object file of the C library, say.
            if (info.FileName != llvm::DILineInfo::BadString && info.Line != 0)
                frame.file = info.FileName;
            frame.is_inlined = i + 1 < found->getNumberOfFrames();
            frames.push_back(std::move(frame));
        }
    }
    if (frames.empty())
        frames.emplace_back();
    for (auto& frame : frames)
        if (frame.function.empty())
            frame.function = fmt::format("{:#x}", address);
    return frames;
}

const std::vector<SourceFrame>& Symbolizer::find(uint64_t address) {
    auto [entry, is_new] = m_state->cache.try_emplace(address);
    if (is_new)
        entry->second = m_state->look_up(address);
    return entry->second;
}

} // namespace tracer
