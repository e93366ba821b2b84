// The team of WebAssembly's threads (wasm/team.h) on threads of this machine: guards and sanitizers see it
// here.
#pragma once

#include "../../native/runtime/program.h"

namespace twill {

// A process has one, once, and to its end: its state is the module's.
class WasmTeam {
 public:
  WasmTeam(const Kernel* kernels, int32_t members);
  WasmTeam(const WasmTeam&) = delete;
  WasmTeam& operator=(const WasmTeam&) = delete;

  // Who is the first thread of a run: whoever waits for it, or a member.
  enum class Leader { caller, member };
  void run(const int32_t* words, const Block* blocks, int32_t batch, Leader leader);

 private:
  const Kernel* kernels_;
  int32_t members_;
};

}  // namespace twill
