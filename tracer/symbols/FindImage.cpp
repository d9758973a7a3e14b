#include "tracer/symbols/FindImage.h"

#include "tracer/link/Socket.h"
#include "tracer/symbols/SymbolStore.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace tracer {

namespace fs = std::filesystem;

namespace {

/// Of <elfutils/debuginfod.h>, whose library is loaded only when it is needed.
struct DebuginfodClient;
using Begin = DebuginfodClient* (*)();
using End = void (*)(DebuginfodClient*);
using FindExecutable = int (*)(DebuginfodClient*, const unsigned char* build_id, int length, char** path);

} // namespace

Result<fs::path> fetch_from_debuginfod(const BuildId& build_id) {
    const char* urls = std::getenv("DEBUGINFOD_URLS");
    if (!urls || !*urls)
        return fail("no debuginfod server is configured", "Set DEBUGINFOD_URLS.");
    const std::unique_ptr<void, int (*)(void*)> library(dlopen("libdebuginfod.so.1", RTLD_NOW), dlclose);
    if (!library)
        return fail("DEBUGINFOD_URLS is set, but libdebuginfod.so.1 is not installed",
                    "Install it (Debian: apt install libdebuginfod1).");
    const auto begin = reinterpret_cast<Begin>(dlsym(library.get(), "debuginfod_begin"));
    const auto end = reinterpret_cast<End>(dlsym(library.get(), "debuginfod_end"));
    const auto find = reinterpret_cast<FindExecutable>(dlsym(library.get(), "debuginfod_find_executable"));
    if (!begin || !end || !find)
        return fail("libdebuginfod.so.1 lacks a function of elfutils 0.178");
    const std::unique_ptr<DebuginfodClient, End> client(begin(), end);
    if (!client)
        return fail("libdebuginfod cannot be used");
    char* found = nullptr;
    // A length of 0 stands for hexadecimal text.
    const int descriptor = find(client.get(), reinterpret_cast<const unsigned char*>(build_id.c_str()), 0, &found);
    const std::unique_ptr<char, void (*)(void*)> path(found, std::free);
    if (descriptor < 0)
        return fail_errno("debuginfod has no image of this build", -descriptor);
    (void)FileDescriptor(descriptor);
    const auto image = TRY(Image::open(path.get()));
    if (image.build_id() != build_id)
        return fail("debuginfod answered with an image of another build");
    return fs::path(path.get());
}

Result<fs::path> find_image(const fs::path& recorded, const BuildId& build_id) {
    Result<Image> image =
        recorded.empty() ? fail(fmt::format("no image of build {} is known here", build_id)) : Image::open(recorded);
    if (image && (build_id.empty() || image->build_id() == build_id))
        return recorded;
    if (build_id.empty())
        return std::unexpected(image.error());
    if (const auto store = SymbolStore::open())
        if (const auto kept = store->find(build_id))
            return *kept;
    const auto fetched = fetch_from_debuginfod(build_id);
    if (fetched)
        return fetched;
    const std::string message =
        image ? fmt::format("{} is another build: it has build id {}, and {} is needed", recorded.string(),
                            image->build_id().empty() ? "none" : image->build_id(), build_id)
              : image.error().message;
    return fail(message, fmt::format("Give the image that ran with --image PATH. The symbol store (`uniscope symbols "
                                     "list`) does not have it; {}.",
                                     fetched.error().message));
}

Result<> remember_image(const Image& image) {
    TRY(TRY(SymbolStore::open()).add(image));
    return {};
}

} // namespace tracer
