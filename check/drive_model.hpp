/* std::map as the model of a drive's map: random batches go to both, and both must hold the same. */
#ifndef VISOR_CHECK_DRIVE_MODEL_HPP
#define VISOR_CHECK_DRIVE_MODEL_HPP
#include <map>
#include <random>
#include <string>

#include "check/drive.hpp"

namespace visor::check {

using Model = std::map<std::string, std::string>;

/* Keys that collide often and include the awkward ones: empty, zero bytes, 0xff, one the prefix of another.
 */
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  std::string key();
  std::string value();
  size_t below(size_t bound) { return static_cast<size_t>(random_() % bound); }

 private:
  std::mt19937_64 random_;
};

/* Read forwards, backwards and key by key, the map holds what the model does; whether it does. */
bool expect_equal(DriveUser& drive, visor_kv* kv, const Model& model);
/* The cursor finds what the model has at or after, or at or before, the key. */
bool expect_seek(DriveUser& drive, visor_cursor* cursor, const Model& model, const std::string& key,
                 int32_t how);
/* One random batch, written to both. */
bool write_batch(DriveUser& drive, visor_kv* kv, Model& model, Draw& draw);
/* `steps` random operations; snapshots and cursors taken on the way must go on seeing what they saw. */
bool follow_model(DriveUser& drive, visor_kv* kv, Model& model, uint64_t seed, int steps);

}  // namespace visor::check
#endif  // VISOR_CHECK_DRIVE_MODEL_HPP
