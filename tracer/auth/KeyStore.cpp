#include "tracer/auth/KeyStore.h"

#include "tracer/instance/Directories.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>

namespace tracer {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view private_prefix = "uniscope-private-key-1 ";
constexpr size_t max_name = 31;
constexpr size_t max_key_file = 4096;

Result<> check_name(std::string_view name) {
    const bool is_good = !name.empty() && name.size() <= max_name && name.front() != '.' && name.front() != '-' &&
                         std::ranges::all_of(name, [](char letter) {
                             return std::isalnum(static_cast<unsigned char>(letter)) || letter == '.' ||
                                    letter == '_' || letter == '-' || letter == '@';
                         });
    if (!is_good)
        return fail(fmt::format("`{}` is no name for a key", name),
                    "Use up to 31 letters, digits, `.`, `_`, `-` and `@`, beginning with a letter or digit.");
    return {};
}

Result<> write_new_file(const fs::path& path, std::string_view text, mode_t mode) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0)
        return fail_errno(fmt::format("cannot make {}", path.string()), errno);
    bool written = write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    written = fsync(descriptor) == 0 && written;
    written = close(descriptor) == 0 && written;
    if (written)
        return {};
    const int error = errno;
    unlink(path.c_str());
    return fail_errno(fmt::format("cannot write {}", path.string()), error);
}

/// A small text file, without the newline at its end.
Result<std::string> read_small_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail_errno(fmt::format("cannot open {}", path.string()), errno);
    std::string text(max_key_file, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.pop_back();
    return text;
}

Result<NamedKey> read_public(const fs::path& path) {
    const std::string text = TRY(read_small_file(path));
    const size_t blank = std::min(text.find(' '), text.size());
    auto key = PublicKey::parse(std::string_view(text).substr(0, blank));
    if (!key)
        return fail(fmt::format("{} is no public key", path.string()), "`uniscope key new` makes NAME.pub.");
    NamedKey named{text.substr(std::min(blank + 1, text.size())), *key};
    if (!check_name(named.name))
        named.name = path.stem().string();
    return named;
}

} // namespace

Result<KeyStore> KeyStore::open() {
    return KeyStore(TRY(key_directory()));
}

Result<NamedKey> KeyStore::make(const std::string& name) const {
    TRY(check_name(name));
    if (fs::exists(private_path(name)))
        return fail(fmt::format("there is a key `{}` already", name), "`uniscope key list` shows your keys.");
    const PrivateKey key = TRY(PrivateKey::make());
    std::string secret = std::string(private_prefix) + encode_base64url(key.scalar()) + '\n';
    auto written = write_new_file(private_path(name), secret, 0600);
    explicit_bzero(secret.data(), secret.size());
    TRY(written);
    NamedKey named{name, key.public_key()};
    std::error_code ignored;
    fs::remove(public_path(name), ignored); // of a private key that is gone
    TRY(write_new_file(public_path(name), fmt::format("{} {}\n", named.key.text(), name), 0644));
    return named;
}

Result<std::vector<NamedKey>> KeyStore::list() const {
    std::vector<NamedKey> keys;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(m_directory, error)) {
        if (entry.path().extension() != ".key" || !check_name(entry.path().stem().string()))
            continue;
        keys.push_back(TRY(find(entry.path().stem().string())));
    }
    if (error)
        return fail_errno(fmt::format("cannot list {}", m_directory.string()), error.value());
    std::ranges::sort(keys, {}, &NamedKey::name);
    return keys;
}

/// From the private key: a .pub file may have been changed.
Result<NamedKey> KeyStore::find(const std::string& name) const {
    const PrivateKey key = TRY(load(name));
    return NamedKey{name, key.public_key()};
}

Result<PrivateKey> KeyStore::load(const std::string& name) const {
    TRY(check_name(name));
    const fs::path path = private_path(name);
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT)
            return fail(fmt::format("there is no key `{}`", name),
                        fmt::format("Make it: uniscope key new {}", name == default_key_name ? "" : name));
        return fail_errno(fmt::format("cannot look at {}", path.string()), errno);
    }
    if (status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return fail(fmt::format("others can read the private key {}", path.string()),
                    fmt::format("Make another one; or, if nobody has read it: chmod 600 {}", path.string()));
    std::string text = TRY(read_small_file(path));
    PrivateKey::Scalar scalar{};
    const bool is_key = text.starts_with(private_prefix) &&
                        decode_base64url(std::string_view(text).substr(private_prefix.size()), scalar);
    explicit_bzero(text.data(), text.size());
    auto key = is_key ? PrivateKey::from_scalar(scalar) : fail("");
    explicit_bzero(scalar.data(), scalar.size());
    if (!key)
        return fail(fmt::format("{} is no private key of this version", path.string()),
                    "Make another one: uniscope key new");
    return key;
}

Result<NamedKey> KeyStore::resolve(const std::string& text) const {
    if (auto key = PublicKey::parse(text))
        return NamedKey{"", *key};
    if (text.find('/') != std::string::npos || text.ends_with(".pub"))
        return read_public(text);
    return find(text);
}

std::string enrolling_word(const NamedKey& key, wire::Role role) {
    return fmt::format("uniscope.key={}:{}{}{}", name_of(role), key.key.text(), key.name.empty() ? "" : ":", key.name);
}

Result<bool> enroll_in_root(const fs::path& root, const NamedKey& key, wire::Role role) {
    std::error_code error;
    if (!fs::is_directory(root, error))
        return fail(fmt::format("{} is no directory", root.string()),
                    "--rootfs names the root file system's directory.");
    const fs::path directory = root / "etc/uniscope";
    fs::create_directories(directory, error);
    if (error)
        return fail_errno(fmt::format("cannot make {}", directory.string()), error.value());
    const fs::path path = directory / "authorized_keys";
    const std::string line =
        fmt::format("{} {}{}{}", name_of(role), key.key.text(), key.name.empty() ? "" : " ", key.name);
    std::string text;
    unsigned entries = 0;
    bool is_right = false;
    if (fs::exists(path)) {
        std::ifstream file(path);
        for (std::string old; std::getline(file, old);) {
            std::istringstream words(old);
            std::string old_role;
            std::string old_key;
            words >> old_role >> old_key;
            if (old_key == key.key.text() && !old_role.starts_with('#')) {
                ++entries;
                is_right = old_role == name_of(role);
            } else {
                text += old + '\n';
            }
        }
        if (file.bad())
            return fail(fmt::format("cannot read {}", path.string()));
    }
    if (entries == 1 && is_right)
        return false;
    text += line + '\n';
    const fs::path scratch = directory / fmt::format("authorized_keys.{}", getpid());
    TRY(write_new_file(scratch, text, 0644));
    fs::rename(scratch, path, error);
    if (error)
        return fail_errno(fmt::format("cannot replace {}", path.string()), error.value());
    return true;
}

} // namespace tracer
