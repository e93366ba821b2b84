#include "session.h"

#include <system_error>

#include "../runtime/recruit.h"

namespace twill {

namespace {

// What runs at once settles its promise without a turn of the event loop: a training that awaits one such
// step after the other would keep timers and I/O waiting to its end. After as much as this, a run goes to the
// thread.
constexpr std::chrono::milliseconds kAtOnceInARow{1};

}  // namespace

std::unique_lock<std::mutex> Session::between_runs() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty(); });
  return lock;
}

void Session::run(const LoadedProgram& program, int32_t batch) {
  {
    const auto lock = between_runs();
    program.run(batch);
  }
  tell_of_cut_team();
}

Napi::Promise Session::run_later(std::shared_ptr<const LoadedProgram> program, int32_t batch) {
  const auto done = Napi::Promise::Deferred::New(env_);
  const auto promise = done.Promise();
  if (run_at_once(*program, batch)) {
    done.Resolve(env_.Undefined());
    return promise;
  }
  try {
    start();
  } catch (const std::system_error&) {
    // No thread to be had: the run is late, not lost.
    run(*program, batch);
    done.Resolve(env_.Undefined());
    return promise;
  }
  // A run that is under way keeps the process alive, an idle thread does not.
  if (unsettled_++ == 0) settler_.Ref(env_);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(new Job{std::move(program), batch, done});
  }
  changed_.notify_all();
  return promise;
}

bool Session::run_at_once(const LoadedProgram& program, int32_t batch) {
  if (!program.is_short(batch)) return false;
  std::lock_guard<std::mutex> lock(mutex_);
  if (!jobs_.empty()) return false;
  if (at_once_ >= kAtOnceInARow) {
    at_once_ = {};
    return false;
  }
  const auto start = std::chrono::steady_clock::now();
  program.run(batch);
  at_once_ += std::chrono::steady_clock::now() - start;
  return true;
}

void Session::start() {
  if (thread_.joinable()) return;
  // First what may throw: a worker that is being terminated is given no function any more.
  if (!settler_) {
    const auto nothing = Napi::Function::New(env_, [](const Napi::CallbackInfo&) {});
    settler_ = Napi::ThreadSafeFunction::New(env_, nothing, "twill", 0, 1);
    settler_.Unref(env_);
    // Hooks run in reverse order: the thread ends before the function that it calls is torn down.
    napi_add_env_cleanup_hook(env_, [](void* session) { static_cast<Session*>(session)->stop(); }, this);
  }
  thread_ = std::thread([this] { work(); });
}

// Ends the thread after the run under way and drops what waits behind it: the environment is on its way out.
void Session::stop() {
  if (!settler_) return;
  if (thread_.joinable()) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  settler_.Release();
  settler_ = {};
  for (const Job* job : jobs_) delete job;
  jobs_.clear();
}

void Session::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job* job = jobs_.front();
    lock.unlock();
    job->program->run(job->batch);
    lock.lock();
    jobs_.pop_front();
    changed_.notify_all();
    const auto call = [this](Napi::Env, Napi::Function, Job* settled) { settle(settled); };
    if (settler_.NonBlockingCall(job, call) != napi_ok) delete job;
  }
}

void Session::settle(Job* job) {
  if (--unsettled_ == 0) settler_.Unref(env_);
  try {
    job->done.Resolve(env_.Undefined());
    tell_of_cut_team();
  } catch (const Napi::Error&) {
    // A worker that is being terminated takes no more results: nobody is left to await this one.
  }
  delete job;
}

// On JavaScript's thread.
void Session::tell_of_cut_team() {
  const int32_t threads = on_team_cut.IsEmpty() ? 0 : team_cut_to();
  if (threads == 0) return;
  const Napi::Function tell = on_team_cut.Value();
  on_team_cut.Reset();
  tell.Call({Napi::Number::New(env_, threads)});
}

Session& session_of(Napi::Env env) { return *env.GetInstanceData<Session>(); }

Napi::Error backend_error(Napi::Env env, const std::string& message) {
  const Napi::Value text = Napi::String::New(env, message);
  const Napi::FunctionReference& error_class = session_of(env).error_class;
  if (error_class.IsEmpty()) return Napi::Error::New(env, message);
  return Napi::Error(env, error_class.New({text}));
}

Napi::Error out_of_memory_error(Napi::Env env, int64_t bytes) {
  const std::string message = "[memory] cannot allocate " + std::to_string(bytes) + " bytes";
  const Napi::FunctionReference& error_class = session_of(env).out_of_memory_class;
  if (error_class.IsEmpty()) return Napi::Error::New(env, message);
  const Napi::Value number = Napi::Number::New(env, static_cast<double>(bytes));
  return Napi::Error(env, error_class.New({Napi::String::New(env, message), number}));
}

}  // namespace twill
