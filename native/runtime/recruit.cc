#ifdef _OPENMP
#include "recruit.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <vector>
#ifdef __linux__
#include <sys/syscall.h>

#include <chrono>
#endif

namespace twill {
namespace {

std::mutex growing;                   // of any team of the process
thread_local int32_t team_there = 1;  // of this thread: OpenMP keeps the threads of its last one
std::atomic<int32_t> cut_to{0};

// A thread that waits until all that can be had are there.
struct Probe {
  std::mutex* gate;
  pthread_t thread;
  std::atomic<int64_t> id{0};

  static void* wait(void* self) {
    auto& probe = *static_cast<Probe*>(self);
#ifdef __linux__
    probe.id = syscall(SYS_gettid);
#endif
    const std::lock_guard<std::mutex> pass(*probe.gate);
    return nullptr;
  }
};

// A joined thread counts towards the limits until the system has cleared it away, a moment later.
void await_removal(const Probe& probe) {
#ifdef __linux__
  using Clock = std::chrono::steady_clock;
  const auto patience = Clock::now() + std::chrono::milliseconds(100);
  while (syscall(SYS_tgkill, getpid(), static_cast<pid_t>(probe.id), 0) == 0 && Clock::now() < patience)
    sched_yield();
#else
  (void)probe;
#endif
}

// How many of `wanted` more threads can be had at once.
int32_t try_threads(int32_t wanted) {
  std::mutex gate;
  std::vector<Probe> probes(wanted);
  int32_t had = 0;
  gate.lock();
  for (Probe& probe : probes) {
    probe.gate = &gate;
    if (pthread_create(&probe.thread, nullptr, Probe::wait, &probe) != 0) break;
    ++had;
  }
  gate.unlock();
  for (int32_t i = 0; i < had; ++i) pthread_join(probes[i].thread, nullptr);
  for (int32_t i = 0; i < had; ++i) await_removal(probes[i]);
  return had;
}

// `there` threads and as many more as can be had, up to `team`.
int32_t grow(int32_t there, int32_t team) {
  const int32_t grown = there + try_threads(team - there);
  if (grown < team) {
    cut_to = grown;
  } else if (grown > cut_to) {
    cut_to = 0;
  }
  return grown;
}

}  // namespace

int32_t threads_to_be_had(int32_t team) {
  if (team <= team_there) return team;
  const std::lock_guard<std::mutex> alone(growing);
  return grow(team_there, team);
}

Recruiting::Recruiting(int32_t team) : team_(team) {
  if (team > team_there) {
    growing.lock();
    growing_ = true;
    team_ = grow(team_there, team);
  }
  if (team_ > 1) team_there = team_;
}

void Recruiting::end() {
  if (growing_) growing.unlock();
  growing_ = false;
}

int32_t team_cut_to() { return cut_to; }

}  // namespace twill
#endif
