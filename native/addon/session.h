// The runs of one JavaScript environment (the main thread or a worker), one at a time and in order.
#pragma once

#include <napi.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "storage.h"

namespace twill {

class Session {
 public:
  explicit Session(Napi::Env env) : env_(env) {}
  ~Session() { stop(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // While it is held nothing runs, and all runs that were asked for before are complete.
  std::unique_lock<std::mutex> between_runs();

  // Runs after all earlier runs, on this thread.
  void run(const LoadedProgram& program, int32_t batch);

  // Runs after all earlier runs, on the session's own thread; the promise resolves on JavaScript's.
  Napi::Promise run_later(std::shared_ptr<const LoadedProgram> program, int32_t batch);

  Napi::FunctionReference error_class;          // BackendError
  Napi::FunctionReference out_of_memory_class;  // OutOfMemoryError
  Napi::FunctionReference on_team_cut;          // told once that a team did not get all its threads

 private:
  struct Job {
    std::shared_ptr<const LoadedProgram> program;
    int32_t batch;
    Napi::Promise::Deferred done;
  };

  // Runs a program that takes less time than a thread to hand it to, unless others are before it or many such
  // runs have passed since the event loop had its turn for certain.
  bool run_at_once(const LoadedProgram& program, int32_t batch);
  void start();
  void stop();
  void work();
  void settle(Job* job);
  void tell_of_cut_team();

  Napi::Env env_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job*> jobs_;               // the first is the one that runs
  std::chrono::nanoseconds at_once_{};  // spent since a run went to the thread
  bool stopping_ = false;
  std::thread thread_;
  Napi::ThreadSafeFunction settler_;
  int unsettled_ = 0;  // JavaScript's thread only
};

Session& session_of(Napi::Env env);

// A BackendError that holds `message`.
Napi::Error backend_error(Napi::Env env, const std::string& message);

// An OutOfMemoryError for what was asked for.
Napi::Error out_of_memory_error(Napi::Env env, int64_t bytes);

}  // namespace twill
