#include "lib/codec/reader.hpp"

#include <algorithm>

namespace visor::codec {

void Reader::set(Problem problem, const char* what, size_t wanted) {
  if (!ok()) return;
  problem_ = problem;
  what_ = what;
  wanted_ = wanted;
}

void Reader::fail(const char* reason) {
  set(Problem::kCaller, reason, 0);
}

ByteView Reader::take(size_t size, const char* what) {
  if (!ok()) return {};
  if (size > input_.size() - at_) {
    set(Problem::kShort, what, size);
    return {};
  }
  ByteView data = input_.subspan(at_, size);
  at_ += size;
  return data;
}

bool Reader::boolean() {
  uint8_t value = number<uint8_t>("bool");
  if (value > 1) set(Problem::kBoolean, "bool", value);
  return ok() && value == 1;
}

size_t Reader::count() {
  size_t elements = number<uint32_t>("count");
  if (!ok()) return 0;
  if (elements > input_.size() - at_) {
    set(Problem::kCount, "count", elements);
    return 0;
  }
  return elements;
}

ByteView Reader::bytes() {
  size_t size = count();
  return take(size, "bytes");
}

void Reader::raw(std::span<uint8_t> out) {
  ByteView data = take(out.size(), "bytes");
  if (data.size() == out.size()) {
    std::copy(data.begin(), data.end(), out.begin());
  } else {
    std::ranges::fill(out, uint8_t(0));
  }
}

visor_key Reader::key() {
  visor_key value{};
  raw(value.bytes);
  return value;
}

Result<void> Reader::done() const {
  std::string where = " at byte " + std::to_string(at_) + " of " + std::to_string(input_.size());
  switch (problem_) {
    case Problem::kNone:
      return {};
    case Problem::kShort:
      return failure(VISOR_EPROTO, "expected " + std::to_string(wanted_) + " bytes of " + what_ + where +
                                       "; only " + std::to_string(input_.size() - at_) + " are left");
    case Problem::kBoolean:
      return failure(VISOR_EPROTO,
                     "a bool is 0 or 1; got " + std::to_string(wanted_) + " before" + where.substr(3));
    case Problem::kCount:
      return failure(VISOR_EPROTO, "a count of " + std::to_string(wanted_) + where + " is more than the " +
                                       std::to_string(input_.size() - at_) + " bytes that are left");
    case Problem::kCaller:
      return failure(VISOR_EPROTO, what_ + where);
  }
  return {};
}

Result<void> Reader::finish() const {
  if (ok() && !at_end()) {
    return failure(VISOR_EPROTO, "expected the end at byte " + std::to_string(at_) + "; " +
                                     std::to_string(input_.size() - at_) + " bytes more came");
  }
  return done();
}

}  // namespace visor::codec
