#include "wasm_team.h"

#include <thread>

#include "../../wasm/team.h"

namespace twill {

WasmTeam::WasmTeam(const Kernel* kernels, int32_t members) : kernels_(kernels), members_(members) {
  for (int32_t member = 0; member < members; ++member) {
    std::thread([kernels, member] {  // as src/wasm/thread.ts does
      team_join();
      for (;;) team_serve(kernels, member);
    })
        .detach();
  }
  while (team_await(members, -1) < members) {
  }
}

void WasmTeam::run(const int32_t* words, const Block* blocks, int32_t batch, Leader leader) {
  if (leader == Leader::caller) return team_run(kernels_, words, blocks, batch, members_, true);
  team_submit(words, blocks, batch, members_);
  team_finish(true);
}

}  // namespace twill
