#include "lib/noise/pattern.hpp"

namespace visor::noise {
namespace {

using enum Token;

constexpr Token kJustE[] = {kE};
constexpr Token kEAndEs[] = {kE, kES};
constexpr Token kEAndEe[] = {kE, kEE};
constexpr Token kSAndSe[] = {kS, kSE};
constexpr Token kXX2[] = {kE, kEE, kS, kES};
constexpr Token kKK1[] = {kE, kES, kSS};
constexpr Token kKK2[] = {kE, kEE, kSE};

constexpr Message kXX[] = {kJustE, kXX2, kSAndSe};
constexpr Message kXK[] = {kEAndEs, kEAndEe, kSAndSe};
constexpr Message kKK[] = {kKK1, kKK2};

constexpr PatternTable kTables[] = {
    {"Noise_XX_Secp256k1_ChaChaPoly_SHA256", false, false, kXX},
    {"Noise_XK_Secp256k1_ChaChaPoly_SHA256", false, true, kXK},
    {"Noise_KK_Secp256k1_ChaChaPoly_SHA256", true, true, kKK},
};

}  // namespace

const PatternTable& table_of(Pattern pattern) {
  return kTables[static_cast<size_t>(pattern)];
}

}  // namespace visor::noise
