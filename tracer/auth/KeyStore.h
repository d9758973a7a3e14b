#pragma once
// The user's keys: NAME.key, which nobody else may read, and NAME.pub, in ${XDG_CONFIG_HOME:-~/.config}/uniscope/keys.
//
// NAME.key is one line, "uniscope-private-key-1 " and 32 bytes in base64url. NAME.pub is one line, "KEY NAME", which
// behind a role is a line of /etc/uniscope/authorized_keys.

#include "tracer/auth/Key.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tracer {

/// What commands use that were told no other.
inline constexpr std::string_view default_key_name = "default";

struct NamedKey {
    std::string name;
    PublicKey key;
};

class KeyStore {
public:
    /// The user's; the directory is made, mode 0700.
    static Result<KeyStore> open();
    explicit KeyStore(std::filesystem::path directory)
        : m_directory(std::move(directory)) {}

    /// Fails when there is a key of that name.
    Result<NamedKey> make(const std::string& name) const;
    /// By name.
    Result<std::vector<NamedKey>> list() const;
    Result<NamedKey> find(const std::string& name) const;
    /// Fails, in words, when others may read the file.
    Result<PrivateKey> load(const std::string& name) const;

    /// A name of the store's, the path of a .pub file, or a key's text itself.
    Result<NamedKey> resolve(const std::string& text) const;

    std::filesystem::path private_path(const std::string& name) const { return m_directory / (name + ".key"); }
    std::filesystem::path public_path(const std::string& name) const { return m_directory / (name + ".pub"); }

private:
    std::filesystem::path m_directory;
};

/// The word that enrols a key on a kernel command line.
std::string enrolling_word(const NamedKey& key, wire::Role role);

/// Enrols a key in the root file system under `root`; with another role if it is there already. False: nothing changed.
Result<bool> enroll_in_root(const std::filesystem::path& root, const NamedKey& key, wire::Role role);

} // namespace tracer
