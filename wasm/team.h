// The team of a module on shared memory: workers that run programs with the thread that owns the module, or
// for it. Each has an instance of its own; what is here is one for all, for they share its memory.
#pragma once

#include <cstdint>

#include "../native/runtime/program.h"

namespace twill {

constexpr int32_t kMaxThreads = 64;

// The owner's side. One job at a time: finish_job comes before the next run or submission. A browser's page
// must not block; where it may not, it spins.

// Runs a program with the members 1 .. threads - 1, as member 0.
void team_run(const Kernel* kernels, const int32_t* words, const Block* blocks, int32_t batch,
              int32_t threads, bool may_block);
// Has the members 0 .. threads - 1 run a program, the first one leading.
void team_submit(const int32_t* words, const Block* blocks, int32_t batch, int32_t threads);
// Returns when the job that was submitted last is complete.
void team_finish(bool may_block);
// Returns when as many members are there, or nothing has changed for that long, and how many are.
int32_t team_await(int32_t members, int64_t nanoseconds);

// Whether a member gave up: what it was to compute is missing, and the team is of no more use.
bool team_abandoned();

// A member's side.

// Gives up: whoever waits for the team goes on.
void team_abandon();

// Says that it is there.
void team_join();
// Works as member `thread` until a job that it led is complete.
void team_serve(const Kernel* kernels, int32_t thread);

}  // namespace twill
