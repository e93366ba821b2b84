// How the threads of a team share out the pieces of a stage.
//
// Each has a run of pieces of its own, begins there and then takes what the others have not begun, so nobody
// waits while there is work. A stage that is cut as the one before gives a thread the pieces whose results it
// has just left in its own cache. Pieces that went to whoever came first were in the other core's: on two
// cores that cost the article's step 0.2 ms of 2.5. What a piece computes does not depend on who does it.
#pragma once

#include <cstdint>

namespace twill {

class Shares {
 public:
  // A team of more threads shares shares.
  static constexpr int32_t kMost = 64;

  // Makes them anew, for a team of `threads`. No thread may be taking.
  void deal(int32_t threads) {
    count_ = threads < kMost ? threads : kMost;
    for (int32_t share = 0; share < count_; ++share) begun_[share].pieces = 0;
  }

  // A piece of a stage of `pieces` for `thread` to do, or -1 when all are begun.
  int64_t take(int32_t thread, int64_t pieces) {
    for (int32_t i = 0; i < count_; ++i) {
      const int32_t share = (thread + i) % count_;
      const int64_t first = share * pieces / count_;
      const int64_t size = (share + 1) * pieces / count_ - first;
      int64_t& begun = begun_[share].pieces;
      if (__atomic_load_n(&begun, __ATOMIC_RELAXED) >= size) continue;
      const int64_t next = __atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED);
      if (next < size) return first + next;
    }
    return -1;
  }

 private:
  // A cache line each: threads change their own while others do theirs.
  struct alignas(64) Begun {
    int64_t pieces;
  };

  int32_t count_ = 0;
  Begun begun_[kMost];
};

}  // namespace twill
