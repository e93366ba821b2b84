// Threads wait by looking for a while and then sleeping, so that an idle team burns no processor. Where one
// changes a word that others may sleep on, it asks first whether any does: the engine's notify is a call that
// takes a lock.
#include "team.h"

#include "../native/runtime/runner.h"
#include "../native/runtime/shares.h"

namespace twill {
namespace {

// How often a thread looks before it sleeps: some 50 us. To wake one takes about as long.
constexpr uint32_t kLooks = 30000;

// Whether a member failed in the middle of a job: nobody may wait for it, and the team is of no more use.
int32_t abandoned = 0;

bool is_abandoned() { return __atomic_load_n(&abandoned, __ATOMIC_SEQ_CST) != 0; }

// A count that threads wait on, away from other words: each is written while others are looked at.
class alignas(64) Count {
 public:
  int32_t get() const { return __atomic_load_n(&value_, __ATOMIC_SEQ_CST); }

  // Adds one and wakes whoever sleeps on it: a thread has itself counted as a sleeper before it looks a last
  // time.
  void announce() {
    __atomic_fetch_add(&value_, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&sleepers_, __ATOMIC_SEQ_CST) > 0)
      __builtin_wasm_memory_atomic_notify(&value_, UINT32_MAX);
  }

  // Returns when it is no longer `value`, or the team is abandoned.
  void await_change(int32_t value, bool may_block) {
    for (uint32_t look = 0; get() == value && !is_abandoned(); ++look) {
      if (may_block && look >= kLooks) sleep(value, -1);
    }
  }

  // Sleeps until it is announced, unless it is no longer `value`; false where the time (-1: no end) was over
  // before. The announcement may be that of the value itself, which comes after the change.
  bool sleep(int32_t value, int64_t nanoseconds) {
    constexpr int32_t kTimedOut = 2;
    __atomic_fetch_add(&sleepers_, 1, __ATOMIC_SEQ_CST);
    const int32_t reason = __builtin_wasm_memory_atomic_wait32(&value_, value, nanoseconds);
    __atomic_fetch_sub(&sleepers_, 1, __ATOMIC_SEQ_CST);
    return reason != kTimedOut;
  }

 private:
  int32_t value_ = 0;
  int32_t sleepers_ = 0;
};

struct Job {
  const int32_t* words;
  const Block* blocks;
  int32_t batch, threads;
};

// Where a member waits for its next job.
struct Seat {
  Count rung;            // how often it was called
  int32_t answered = 0;  // its own count
};

Job job;  // written while no member works
Seat seats[kMaxThreads];
Count present;       // members that are there
Count stages_ended;  // since the module was made
Count jobs_ended;    // of those that a member led
int32_t jobs_submitted = 0;

// Of the stage at hand.
Shares shares;
alignas(64) int32_t arrived = 0;  // at its end

// The last one to arrive prepares the next stage and lets all go on.
void end_stage(int32_t threads, bool may_block) {
  const int32_t ended = stages_ended.get();
  if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) < threads)
    return stages_ended.await_change(ended, may_block);
  arrived = 0;
  shares.deal(threads);
  stages_ended.announce();
}

void work(const Kernel* kernels, int32_t thread, bool may_block) {
  const Job my_job = job;  // the next one may be written before this thread has left
  const auto& header = *reinterpret_cast<const ProgramHeader*>(my_job.words);
  Runner runner(kernels, my_job.words, my_job.blocks, my_job.batch, thread);
  const int32_t* next = first_stage(header, my_job.words);
  const int32_t stages = header.stages;
  for (int32_t i = 0; i < stages; ++i) {
    const Stage stage = runner.stage(next);
    for (int64_t piece; (piece = shares.take(thread, stage.pieces)) >= 0;) runner.run_piece(stage, piece);
    next = Runner::after(stage);
    end_stage(my_job.threads, may_block);
    if (is_abandoned()) return;
  }
}

// As member 0, with the others.
void lead(const Kernel* kernels, bool may_block) {
  const int32_t threads = job.threads;
  shares.deal(threads);
  for (int32_t thread = 1; thread < threads; ++thread) seats[thread].rung.announce();
  work(kernels, 0, may_block);
}

}  // namespace

void team_run(const Kernel* kernels, const int32_t* words, const Block* blocks, int32_t batch,
              int32_t threads, bool may_block) {
  job = {words, blocks, batch, threads};
  lead(kernels, may_block);
}

void team_submit(const int32_t* words, const Block* blocks, int32_t batch, int32_t threads) {
  job = {words, blocks, batch, threads};
  ++jobs_submitted;
  seats[0].rung.announce();
}

void team_finish(bool may_block) {
  for (int32_t ended; (ended = jobs_ended.get()) != jobs_submitted && !is_abandoned();)
    jobs_ended.await_change(ended, may_block);
}

int32_t team_await(int32_t members, int64_t nanoseconds) {
  for (int32_t there; (there = present.get()) < members;) {
    if (!present.sleep(there, nanoseconds)) break;
  }
  return present.get();
}

void team_join() { present.announce(); }

void team_abandon() {
  __atomic_store_n(&abandoned, 1, __ATOMIC_SEQ_CST);
  stages_ended.announce();
  jobs_ended.announce();
}

bool team_abandoned() { return is_abandoned(); }

void team_serve(const Kernel* kernels, int32_t thread) {
  Seat& seat = seats[thread];
  for (;;) {
    seat.rung.await_change(seat.answered, true);
    if (is_abandoned()) return;
    ++seat.answered;
    if (thread > 0) {
      work(kernels, thread, true);
      continue;
    }
    lead(kernels, true);
    jobs_ended.announce();
    return;
  }
}

}  // namespace twill
