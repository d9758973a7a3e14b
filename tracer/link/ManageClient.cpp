#include "tracer/link/ManageClient.h"

namespace tracer {

namespace {

Result<nlohmann::json> ask(int descriptor, const nlohmann::json& request, std::chrono::milliseconds timeout) {
    const std::string text = request.dump() + "\n";
    TRY(send_all(descriptor, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, std::chrono::seconds(5)));
    std::string line;
    while (!line.ends_with('\n')) {
        const auto bytes = TRY(receive_some(descriptor, 65536, timeout));
        if (bytes.empty())
            return fail("the instance ended before its supervisor answered", "`uniscope ps -a` shows how it ended.");
        line.append(bytes.begin(), bytes.end());
    }
    auto answer = nlohmann::json::parse(line, nullptr, false);
    if (!answer.is_object())
        return fail("the instance's supervisor gave no answer that this tool understands");
    if (!answer.value("ok", false))
        return fail(answer.value("message", "the supervisor refused"), answer.value("hint", ""));
    return answer;
}

} // namespace

Result<nlohmann::json> manage(const std::filesystem::path& socket, const nlohmann::json& request,
                              std::chrono::milliseconds timeout) {
    const FileDescriptor descriptor = TRY(connect_unix(socket, "the instance's supervisor"));
    return ask(descriptor.get(), request, timeout);
}

Result<FileDescriptor> hold(const std::filesystem::path& socket) {
    FileDescriptor descriptor = TRY(connect_unix(socket, "the instance's supervisor"));
    TRY(ask(descriptor.get(), {{"do", "hold"}}, std::chrono::seconds(5)));
    return descriptor;
}

} // namespace tracer
