/* Repeatable random input: the same seed gives the same bytes on every machine. */
#ifndef VISOR_TESTS_UNIT_SEEDED_HPP
#define VISOR_TESTS_UNIT_SEEDED_HPP
#include <random>
#include <visor/value.hpp>

namespace visor::test {

class Seeded {
 public:
  explicit Seeded(uint64_t seed) : engine_(seed) {}

  uint64_t number() { return engine_(); }
  /* From 0 to limit - 1. */
  size_t below(size_t limit) { return static_cast<size_t>(engine_() % limit); }
  void fill(std::span<uint8_t> out) {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(engine_());
  }
  Bytes bytes(size_t size) {
    Bytes out(size);
    fill(out);
    return out;
  }
  /* As a source of random bytes for what takes one; this object must outlive it. */
  auto source() {
    return [this](std::span<uint8_t> out) { fill(out); };
  }

 private:
  std::mt19937_64 engine_;  // its output is fixed by the standard; that of the distributions is not
};

}  // namespace visor::test
#endif  // VISOR_TESTS_UNIT_SEEDED_HPP
