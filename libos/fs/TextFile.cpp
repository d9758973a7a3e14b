#include "libos/fs/TextFile.h"

#include "libos/fs/FileSystem.h"

#include <algorithm>
#include <new>

namespace fs {

using base::Error;
using base::fail;

namespace {

base::Result<String> generate(ProcFile source) {
    constexpr size_t largest = 16 << 20;
    for (size_t size = 4096; size <= largest; size *= 4) {
        auto* buffer = new (std::nothrow) char[size];
        if (!buffer)
            return fail(Error::NoMemory);
        base::TextBuilder text(std::span(buffer, size));
        base::Result<String> result = fail(Error::NoMemory);
        auto generated = services().proc.generate(source, text);
        if (!generated)
            result = fail(generated.error());
        else if (!text.truncated())
            result = String::create(text.view());
        auto again = generated && text.truncated();
        delete[] buffer;
        if (!again)
            return result;
    }
    return fail(Error::NoMemory);
}

} // namespace

base::Result<base::Reference<TextFile>> TextFile::create(ProcFile source) {
    auto* file = new (std::nothrow) TextFile(source, {});
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<TextFile>::adopt(file);
}

base::Result<base::Reference<TextFile>> TextFile::create(std::string_view text) {
    auto* file = new (std::nothrow) TextFile(ProcFile::Count, text);
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<TextFile>::adopt(file);
}

base::Result<base::Reference<OpenFile>> TextFile::open(base::Reference<Entry> entry, int flags) {
    auto text = TRY(m_source == ProcFile::Count ? String::create(m_text) : generate(m_source));
    auto* file =
        new (std::nothrow) OpenTextFile(base::Reference<Inode>::share(this), std::move(entry), flags, std::move(text));
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<OpenFile>::adopt(file);
}

base::Result<size_t> OpenTextFile::read_at(Transfer& to, uint64_t offset) {
    auto text = m_text.view();
    return to.put(std::as_bytes(std::span(text.substr(std::min<uint64_t>(offset, text.size())))));
}

} // namespace fs
