// WebAssembly's two instructions to sleep on a word, by what an engine makes of them on Linux.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>

// 0: woken, 1: the word is another one, 2: the time (-1: no end) was over.
inline int32_t __builtin_wasm_memory_atomic_wait32(int32_t* word, int32_t value, int64_t nanoseconds) {
  timespec time = {static_cast<time_t>(nanoseconds / 1000000000),
                   static_cast<long>(nanoseconds % 1000000000)};
  const auto* limit = nanoseconds < 0 ? nullptr : &time;
  if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, limit, nullptr, 0) == 0) return 0;
  return errno == ETIMEDOUT ? 2 : 1;
}

inline void __builtin_wasm_memory_atomic_notify(int32_t* word, uint32_t count) {
  const uint32_t most = count < INT32_MAX ? count : INT32_MAX;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, nullptr, nullptr, 0);
}
