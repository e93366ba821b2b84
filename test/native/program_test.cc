// Runs recorded programs between guards (guarded_program.h), one executable an instruction set:
//
//   build/test/program_test_avx512 build/test/programs/*
//
// Each runs on its whole batch and on one image, on one thread, on two and on three of OpenMP's and on three
// of WebAssembly's team, its buffers flush with either end, over what memory happened to hold before: nothing
// but the batch may change a bit of what it leaves. The last line has a hash of all that was left:
// instruction sets with a fused multiply-add print the same one.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <set>
#include <vector>

#include "../../native/kernels/kernels.h"
#include "files.h"
#include "guarded_program.h"
#ifdef TWILL_WASM_TEAM
#include "wasm_team.h"
#endif

namespace {

using namespace twill;

constexpr int32_t kTeam = 3;
const char* g_file = "";

void tell(const char* text) {
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) _exit(2);
}

void left_an_operand(int, siginfo_t*, void*) {
  tell(g_file);
  tell(": a kernel left an operand, or wrote one that it may only read\n");
  _exit(2);
}

GuardedProgram::Run on_threads(int32_t threads) {
  return [threads](const int32_t* words, const Block* blocks, int32_t batch) {
    program_run(TWILL_ISA::kernel_table, words, blocks, batch, threads);
  };
}

// Each way to run a program on several threads.
std::set<uint64_t> run_in_teams(GuardedProgram& program, Flush flush) {
  std::set<uint64_t> left;
  left.insert(program.run(on_threads(flush == Flush::back ? kTeam : 2), 8));
#ifdef TWILL_WASM_TEAM
  static WasmTeam team(TWILL_ISA::kernel_table, kTeam);
  const auto led_by = flush == Flush::back ? WasmTeam::Leader::caller : WasmTeam::Leader::member;
  left.insert(program.run([&](const int32_t* words, const Block* blocks,
                              int32_t batch) { team.run(words, blocks, batch, led_by); },
                          9));
#endif
  return left;
}

// Number of failures; `hash` takes up what the program leaves.
int replay(const char* path, uint64_t& hash) {
  const std::vector<int32_t> input = words_of_file(path);
  std::vector<int32_t> words;
  Message why;
  if (!read_program(input.data(), static_cast<int64_t>(input.size()), words, why)) {
    std::fprintf(stderr, "%s: %s\n", path, why.text());
    return 1;
  }
  int failures = 0;
  const int32_t capacity = reinterpret_cast<const ProgramHeader*>(words.data())->capacity;
  for (const int32_t batch : std::set<int32_t>{1, capacity}) {
    std::set<uint64_t> left;
    for (const Flush flush : {Flush::back, Flush::front}) {
      GuardedProgram program(words, batch, kTeam, flush);
      left.insert(program.run(on_threads(1), 7));
      left.merge(run_in_teams(program, flush));
    }
    if (left.size() != 1) {
      std::fprintf(stderr, "%s: the results on a batch of %d depend on the threads or on old contents\n",
                   path, batch);
      ++failures;
    }
    hash = (hash ^ *left.begin()) * 1099511628211u;
  }
  return failures;
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action = {};
  action.sa_sigaction = left_an_operand;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
  uint64_t hash = 14695981039346656037u;
  int failed = 0;
  for (int i = 1; i < argc; ++i) {
    g_file = argv[i];
    failed += replay(argv[i], hash) > 0;
  }
  std::printf("%d programs, %d failed, bits %016llx\n", argc - 1, failed,
              static_cast<unsigned long long>(hash));
  return failed > 0;
}
