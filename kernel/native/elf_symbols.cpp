#include "kernel/native/elf_symbols.hpp"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace visor::kernel::native {
namespace {

constexpr unsigned char kByteOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

Error damaged(const std::string& what) {
  return {VISOR_EINVAL, "its symbols cannot be read: " + what};
}

class File {
 public:
  File(const std::string& name, uint64_t size) : in_(name, std::ios::binary), size_(size) {}

  bool open() const { return in_.is_open(); }
  uint64_t size() const { return size_; }
  /* `count` elements from `offset`; an error if the file is too short for them. */
  template <class T>
  Result<std::vector<T>> read(uint64_t offset, uint64_t count, const char* what) {
    if (offset > size_ || count > (size_ - offset) / sizeof(T)) {
      return std::unexpected(damaged(std::string(what) + " is beyond the end of the file"));
    }
    std::vector<T> out(count);
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(offset));
    in_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(count * sizeof(T)));
    if (!in_) return std::unexpected(damaged(std::string(what) + " could not be read from the file"));
    return out;
  }

 private:
  std::ifstream in_;
  uint64_t size_;
};

Result<File> open(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(name, error);
  if (!fs::exists(status)) return failure(VISOR_ENOENT, "there is no such file");
  if (!fs::is_regular_file(status)) return failure(VISOR_EINVAL, "not a file");
  const uint64_t size = fs::file_size(name, error);
  File file(name, error ? 0 : size);
  if (error || !file.open()) return failure(VISOR_EIO, "cannot be read");
  return file;
}

Result<Elf64_Ehdr> read_head(File& file) {
  auto magic = file.read<char>(0, std::min<uint64_t>(file.size(), SELFMAG), "the head");
  if (!magic) return std::unexpected(magic.error());
  if (magic->size() != SELFMAG || std::memcmp(magic->data(), ELFMAG, SELFMAG) != 0) {
    return failure(VISOR_EINVAL, "not a shared object (it does not begin as an ELF file does)");
  }
  auto head = file.read<Elf64_Ehdr>(0, 1, "the head");
  if (!head) return std::unexpected(head.error());
  const Elf64_Ehdr& h = head->front();
  if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != kByteOrder || h.e_type != ET_DYN) {
    return failure(VISOR_EINVAL, "not a 64-bit shared object for this machine");
  }
  if (h.e_shentsize != sizeof(Elf64_Shdr))
    return std::unexpected(damaged("its table of sections has another form"));
  return h;
}

}  // namespace

Result<std::vector<std::string>> exported_symbols(const std::string& name, std::string_view prefix) {
  Result<File> file = open(name);
  if (!file) return std::unexpected(file.error());
  auto head = read_head(*file);
  if (!head) return std::unexpected(head.error());
  auto sections = file->read<Elf64_Shdr>(head->e_shoff, head->e_shnum, "the table of sections");
  if (!sections) return std::unexpected(sections.error());
  auto table = std::ranges::find(*sections, uint32_t{SHT_DYNSYM}, &Elf64_Shdr::sh_type);
  if (table == sections->end()) return std::unexpected(damaged("it has no table of dynamic symbols"));
  if (table->sh_link >= sections->size()) return std::unexpected(damaged("its symbols have no names"));
  const Elf64_Shdr& texts = (*sections)[table->sh_link];
  auto symbols =
      file->read<Elf64_Sym>(table->sh_offset, table->sh_size / sizeof(Elf64_Sym), "the table of symbols");
  if (!symbols) return std::unexpected(symbols.error());
  auto names = file->read<char>(texts.sh_offset, texts.sh_size, "the names of the symbols");
  if (!names) return std::unexpected(names.error());

  std::vector<std::string> out;
  for (const Elf64_Sym& symbol : *symbols) {
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names->size()) continue;
    const std::string_view rest(names->data() + symbol.st_name, names->size() - symbol.st_name);
    const std::string_view text = rest.substr(0, rest.find('\0'));
    if (text.size() < rest.size() && text.starts_with(prefix)) out.emplace_back(text);
  }
  std::ranges::sort(out);
  auto twins = std::ranges::unique(out);
  out.erase(twins.begin(), twins.end());
  return out;
}

}  // namespace visor::kernel::native
