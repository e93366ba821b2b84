#ifdef _OPENMP
#include <omp.h>
#endif

#include "program.h"
#include "recruit.h"
#include "runner.h"
#include "shares.h"

namespace twill {
namespace {

int64_t worth_in_threads(const int32_t* words, int32_t batch) {
  const auto& header = *reinterpret_cast<const ProgramHeader*>(words);
  return 1 + int64_t{header.kiloflops} * batch / kThreadKiloflops;
}

// Without OpenMP, whose barriers are a system call each even among one thread.
void run_alone(const Kernel* kernels, const int32_t* words, const Block* blocks, int32_t batch) {
  const auto& header = *reinterpret_cast<const ProgramHeader*>(words);
  Runner runner(kernels, words, blocks, batch, 0);
  const int32_t* next = first_stage(header, words);
  for (int32_t i = 0; i < header.stages; ++i) {
    const Stage stage = runner.stage(next);
    for (int64_t piece = 0; piece < stage.pieces; ++piece) runner.run_piece(stage, piece);
    next = Runner::after(stage);
  }
}

#ifdef _OPENMP

void run_in_team(const Kernel* kernels, const int32_t* words, const Block* blocks, int32_t batch,
                 int32_t wanted) {
  const auto& header = *reinterpret_cast<const ProgramHeader*>(words);
  Recruiting recruiting(wanted);
  const int32_t team = recruiting.team();
  if (team == 1) {
    recruiting.end();
    return run_alone(kernels, words, blocks, batch);
  }
  Shares shares[2];  // of the stage at hand, and of the next: dealt while nobody takes of them
  shares[0].deal(team);
#pragma omp parallel num_threads(team)
  {
    const int32_t thread = omp_get_thread_num();
    if (thread == 0) recruiting.end();
    Runner runner(kernels, words, blocks, batch, thread);
    const int32_t* next = first_stage(header, words);
    for (int32_t i = 0; i < header.stages; ++i) {
      if (thread == 0) shares[(i + 1) % 2].deal(omp_get_num_threads());
      const Stage stage = runner.stage(next);
      for (int64_t piece; (piece = shares[i % 2].take(thread, stage.pieces)) >= 0;) {
        runner.run_piece(stage, piece);
      }
      next = Runner::after(stage);
#pragma omp barrier
    }
  }
}

#endif

}  // namespace

bool program_is_short(const int32_t* words, int32_t batch) { return worth_in_threads(words, batch) == 1; }

int32_t program_team(const int32_t* words, int32_t batch, int32_t threads) {
  const auto& header = *reinterpret_cast<const ProgramHeader*>(words);
  const int64_t worth = worth_in_threads(words, batch);
  const int32_t most = threads < header.threads ? threads : header.threads;
  return worth < most ? static_cast<int32_t>(worth) : most;
}

void program_run(const Kernel* kernels, const int32_t* words, const Block* blocks, int32_t batch,
                 int32_t threads) {
  const int32_t team = program_team(words, batch, threads);
#ifdef _OPENMP
  if (team > 1) return run_in_team(kernels, words, blocks, batch, team);
#else
  (void)team;
#endif
  run_alone(kernels, words, blocks, batch);
}

}  // namespace twill
