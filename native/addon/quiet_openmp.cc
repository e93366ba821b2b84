// How long libgomp's threads spin before they sleep, set before libgomp reads it.
//
// By default they spin for milliseconds: 812 ms of CPU a second at a region every 5 ms. Worse, where the
// scheduler wakes a thread of the team on the processor of the one that waits for it, every barrier takes as
// long as the spinning: a run of 0.7 ms took 2.6 with 10,000 turns and 0.9 with 1,000, and training is as
// fast with either.
//
// libgomp reads its environment in a constructor, and as our dependency it is initialised before us but for
// the linker's -z initfirst (native/addon.cmake). Node's process.env would not do: that of a worker is a
// copy.
#include "quiet_openmp.h"

#include <cstdlib>

namespace {

constexpr const char* kSpinCount = "GOMP_SPINCOUNT";
bool is_ours = false;

__attribute__((constructor)) void set_spin_count() {
  if (std::getenv(kSpinCount) || std::getenv("OMP_WAIT_POLICY")) return;
  is_ours = setenv(kSpinCount, "1000", 0) == 0;
}

}  // namespace

namespace twill {

void unset_spin_count() {
  if (is_ours) unsetenv(kSpinCount);
  is_ours = false;
}

}  // namespace twill
