// Asks the system for a team's threads before OpenMP does, whose runtime ends the process where it gets none:
// under a limit on the user's processes (ulimit -u), a cgroup's pids.max, or without memory for their stacks.
#pragma once

#include <cstdint>

namespace twill {

// Threads of a team of `team` that can be had at the moment, the one that asks included. It holds on to
// nothing.
int32_t threads_to_be_had(int32_t team);

// The growth of the calling thread's own team. Others of the process wait meanwhile, so that no two are
// promised the same threads; another process, or Node itself, may still come between.
class Recruiting {
 public:
  explicit Recruiting(int32_t team);

  // Threads that the team may have: as many as it had the last time, and what more can be had.
  int32_t team() const { return team_; }

  // Its threads are there: to be called by the first one.
  void end();

 private:
  int32_t team_;
  bool growing_ = false;
};

// What the last team was cut to that did not get all its threads, or 0 where a larger one got all of its
// since.
int32_t team_cut_to();

}  // namespace twill
