#include "table.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

namespace visor::programs {
namespace {

namespace json = boost::json;

/* Characters, not bytes: what follows the first byte of one is not counted. */
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width) {
  size_t own = width_of(text);
  return text + std::string(width > own ? width - own : 0, ' ');
}

bool is_number(const json::value& value) {
  return value.is_number();
}

std::string cell(const json::value& value) {
  if (value.is_null()) return "-";
  if (const auto* text = value.if_string()) return visible(std::string_view(*text));
  if (const auto* items = value.if_array()) {
    std::string out;
    for (const json::value& item : *items) out += (out.empty() ? "" : ", ") + cell(item);
    return out.empty() ? "none" : out;
  }
  if (const auto* members = value.if_object(); members && members->empty()) return "none";
  return visible(json::serialize(value));
}

bool is_table(const json::value& value) {
  const auto* items = value.if_array();
  return items && !items->empty() &&
         std::ranges::all_of(*items, [](const json::value& item) { return item.is_object(); });
}

struct Column {
  std::string name;
  size_t width = 0;
  bool right = true; /* all of it numbers */
};

std::string rows(const json::array& items, const std::string& indent) {
  std::vector<Column> columns;
  for (const json::value& item : items) {
    for (const auto& [name, value] : item.get_object()) {
      std::string shown = visible(name);
      auto at = std::ranges::find(columns, shown, &Column::name);
      if (at == columns.end()) at = columns.insert(at, {shown, width_of(shown)});
      at->width = std::max(at->width, width_of(cell(value)));
      at->right = at->right && is_number(value);
    }
  }
  std::string out;
  auto add_line = [&](const auto& text_of) {
    std::string line = indent;
    for (const Column& column : columns) {
      if (line.size() > indent.size()) line += "  ";
      std::string text = text_of(column);
      line += column.right ? std::string(column.width - std::min(column.width, width_of(text)), ' ') + text
                           : padded(text, column.width);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_line([](const Column& column) { return column.name; });
  for (const json::value& item : items) {
    add_line([&](const Column& column) {
      for (const auto& [name, value] : item.get_object()) {
        if (visible(name) == column.name) return cell(value);
      }
      return std::string();
    });
  }
  return out;
}

struct List {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string tables; /* below the lines */
};

void flatten(const json::object& members, const std::string& prefix, List& out) {
  for (const auto& [key, value] : members) {
    std::string name = prefix + visible(key);
    const auto* nested = value.if_object();
    if (nested && !nested->empty()) {
      flatten(*nested, name + ".", out);
    } else if (is_table(value)) {
      out.tables += "\n" + name + "\n" + rows(value.get_array(), "  ");
    } else {
      out.lines.emplace_back(name, cell(value));
    }
  }
}

std::string list(const json::object& members) {
  List parts;
  flatten(members, "", parts);
  size_t width = 0;
  for (const auto& [name, text] : parts.lines) width = std::max(width, width_of(name));
  std::string out;
  for (const auto& [name, text] : parts.lines)
    out += padded(name, width) + "  " + (text.empty() ? "-" : text) + "\n";
  if (out.empty() && !parts.tables.empty()) parts.tables.erase(0, 1); /* the empty line above */
  return out + parts.tables;
}

}  // namespace

std::string visible(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
    bool latin = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    if (latin) ++i;
    auto shown = latin ? next : byte;
    if (latin || byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'x', kHex[shown >> 4], kHex[shown & 15]};
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string table_of(std::string_view text) {
  json::error_code failed;
  json::value value = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return visible(text) + "\n";
  if (is_table(value)) return rows(value.get_array(), "");
  if (const auto* members = value.if_object(); members && !members->empty()) return list(*members);
  if (const auto* items = value.if_array(); items && !items->empty()) {
    std::string out;
    for (const json::value& item : *items) out += cell(item) + "\n";
    return out;
  }
  return cell(value) + "\n";
}

}  // namespace visor::programs
