// libFuzzer's target: words of anybody's to check, and to run where they are accepted.
//
//   npm run fuzz                                       draws programs and changes them
//   build/test/program_fuzz_avx512 FILE...             runs what was found (in `npm test`:
//   test/native/findings)
//
// An accepted program runs twice: as it is, on blocks of exactly its own bytes with anything in them, and
// with every operand alone between forbidden pages (guarded_program.h). Nothing outside may be touched, and
// what is refused comes with a sentence.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "../../native/kernels/kernels.h"
#include "guarded_program.h"

namespace {

using namespace twill;

// What a run may take: thousands of them make a second.
constexpr int64_t kMostOperations = 1 << 21;
constexpr int64_t kMostBytes = 1 << 23;
constexpr int32_t kMostImages = 5;

// What became of the inputs, told at the end: a fuzzer whose programs are all refused proves little.
struct Tally {
  long refused = 0, too_long = 0, ran = 0;
  ~Tally() { std::fprintf(stderr, "%ld refused, %ld too long to run, %ld ran\n", refused, too_long, ran); }
} tally;

void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// Blocks of their own, 64-byte aligned, with nothing behind them.
class Blocks {
 public:
  Blocks(const int32_t* units, int32_t count, uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int32_t i = 0; i < count; ++i) {
      const auto bytes = static_cast<size_t>(std::max(units[i], 0)) * kAlignment;
      auto* data = static_cast<unsigned char*>(std::aligned_alloc(kAlignment, bytes ? bytes : kAlignment));
      const bool same = random() % 4 == 0;
      const uint64_t value = random();
      for (size_t at = 0; at < bytes; at += sizeof value) {
        const uint64_t word = same ? value : random();
        std::memcpy(data + at, &word, sizeof word);
      }
      blocks_.push_back({data, static_cast<int64_t>(bytes)});
    }
  }
  ~Blocks() {
    for (const Block& block : blocks_) std::free(block.data);
  }
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;

  const Block* data() const { return blocks_.data(); }

 private:
  std::vector<Block> blocks_;
};

int64_t bytes_of(const int32_t* units, int32_t count) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < count; ++i) bytes += int64_t{std::max(units[i], 0)} * kAlignment;
  return bytes;
}

void run(const int32_t* input, const std::vector<int32_t>& words) {
  const auto& header = *reinterpret_cast<const ProgramHeader*>(words.data());
  const int32_t batch = std::min(header.capacity, kMostImages);
  const int32_t threads = std::min(header.threads, 2);
  const auto cost = GuardedProgram::cost(words, batch, threads);
  if (cost.operations > kMostOperations || cost.bytes > kMostBytes) {
    ++tally.too_long;
    return;
  }
  ++tally.ran;
  if (bytes_of(input + 1, input[0]) <= kMostBytes) {
    const Blocks blocks(input + 1, input[0], words.size());
    program_run(TWILL_ISA::kernel_table, words.data(), blocks.data(), batch, threads);
  }
  GuardedProgram guarded(words, batch, threads, words.size() % 2 ? Flush::back : Flush::front);
  guarded.run([&](const int32_t* checked, const Block* blocks,
                  int32_t images) { program_run(TWILL_ISA::kernel_table, checked, blocks, images, threads); },
              1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<int32_t> input(size / sizeof(int32_t)), words;
  if (!input.empty()) std::memcpy(input.data(), data, input.size() * sizeof(int32_t));
  Message why;
  const bool accepted = read_program(input.data(), static_cast<int64_t>(input.size()), words, why);
  demand(accepted == (why.text()[0] == '\0'), "a refusal without a reason, or a reason without one");
  if (!accepted) ++tally.refused;
  if (accepted) run(input.data(), words);
  return 0;
}

#ifdef TWILL_REPLAY
int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::vector<uint8_t> data;
    FILE* file = std::fopen(argv[i], "rb");
    demand(file, argv[i]);
    for (int byte; (byte = std::fgetc(file)) != EOF;) data.push_back(static_cast<uint8_t>(byte));
    std::fclose(file);
    LLVMFuzzerTestOneInput(data.data(), data.size());
  }
  std::printf("%d inputs\n", argc - 1);
}
#endif
