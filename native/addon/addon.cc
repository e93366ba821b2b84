// The native binding: what src/backend/native.node.ts sees of the runtime.
#include <napi.h>

#include "../runtime/instruction_set.h"
#include "../runtime/recruit.h"
#include "../runtime/signature.h"
#include "executable.h"
#include "memory.h"
#include "quiet_openmp.h"
#include "session.h"

namespace twill {
namespace {

// [name, domain, parameters, operands], as kernels.inc writes them.
Napi::Array kernels(Napi::Env env) {
  auto list = Napi::Array::New(env, kKernelCount);
  for (int32_t i = 0; i < kKernelCount; ++i) {
    const KernelSignature& kernel = kSignatures[i];
    auto row = Napi::Array::New(env, 4);
    row.Set(0u, kernel.name);
    row.Set(1u, domain_name(kernel.domain));
    row.Set(2u, kernel.params);
    row.Set(3u, kernel.operands);
    list.Set(static_cast<uint32_t>(i), row);
  }
  return list;
}

// Names of the instruction sets that this machine supports, best first.
Napi::Array instruction_sets(Napi::Env env) {
  auto list = Napi::Array::New(env);
  for (int i = 0; i < kInstructionSetCount; ++i) {
    if (kInstructionSets[i].supported()) list.Set(list.Length(), kInstructionSets[i].name);
  }
  return list;
}

// chooseInstructionSet(wanted: string): '' for the best.
Napi::Value choose(const Napi::CallbackInfo& info) {
  Message why;
  const InstructionSet* isa = choose_instruction_set(info[0].ToString().Utf8Value().c_str(), why);
  if (!isa) throw backend_error(info.Env(), why.text());
  return Napi::String::New(info.Env(), isa->name);
}

// useErrors(BackendError, OutOfMemoryError)
void use_errors(const Napi::CallbackInfo& info) {
  Session& session = session_of(info.Env());
  session.error_class = Napi::Persistent(info[0].As<Napi::Function>());
  session.out_of_memory_class = Napi::Persistent(info[1].As<Napi::Function>());
}

// onTeamCut(callback): called once, with the threads that are left, when a team does not get all its threads.
void on_team_cut(const Napi::CallbackInfo& info) {
  session_of(info.Env()).on_team_cut = Napi::Persistent(info[0].As<Napi::Function>());
}

// threadsToBeHad(team): of a team of so many.
Napi::Value to_be_had(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), threads_to_be_had(info[0].ToNumber().Int32Value()));
}

// teamCutTo(): see recruit.h.
Napi::Value cut_to(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), team_cut_to()); }

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  unset_spin_count();
  env.SetInstanceData(new Session(env));
  exports.Set("kernels", kernels(env));
  exports.Set("instructionSets", instruction_sets(env));
  exports.Set("chooseInstructionSet", Napi::Function::New(env, choose));
  exports.Set("useErrors", Napi::Function::New(env, use_errors));
  exports.Set("onTeamCut", Napi::Function::New(env, on_team_cut));
  exports.Set("threadsToBeHad", Napi::Function::New(env, to_be_had));
  exports.Set("teamCutTo", Napi::Function::New(env, cut_to));
  exports.Set("Memory", Memory::define(env));
  exports.Set("Executable", Executable::define(env));
  return exports;
}

}  // namespace
}  // namespace twill

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  return twill::initialize(env, exports);
}

NODE_API_MODULE(twill, initialize)
