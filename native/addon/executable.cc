#include "executable.h"

#include "../runtime/instruction_set.h"
#include "memory.h"
#include "session.h"

namespace twill {

Napi::Function Executable::define(Napi::Env env) {
  return DefineClass(env, "Executable",
                     {
                         InstanceMethod<&Executable::run>("run"),
                         InstanceMethod<&Executable::run_async>("runAsync"),
                         InstanceMethod<&Executable::dispose>("dispose"),
                     });
}

Executable::Executable(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  const bool is_words =
      info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_int32_array;
  if (!is_words || !info[1].IsArray() || !info[2].IsString() || !info[3].IsNumber()) {
    throw backend_error(env, "[program] expected (Int32Array, Memory[], instruction set, threads)");
  }
  Message why;
  const InstructionSet* isa = choose_instruction_set(info[2].As<Napi::String>().Utf8Value().c_str(), why);
  if (!isa) throw backend_error(env, why.text());

  const auto program = std::make_shared<LoadedProgram>();
  program->kernels = isa->kernels;
  program->threads = std::max(1, info[3].As<Napi::Number>().Int32Value());
  const auto words = info[0].As<Napi::Int32Array>();
  program->words.assign(words.Data(), words.Data() + words.ElementLength());
  const auto memories = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < memories.Length(); ++i) {
    program->memories.push_back(Memory::storage_of(memories.Get(i)));
    program->blocks.push_back(program->memories.back()->block());
  }
  if (!program_check(program->words.data(), static_cast<int64_t>(program->words.size()),
                     program->blocks.data(), static_cast<int64_t>(program->blocks.size()), why)) {
    throw backend_error(env, why.text());
  }
  program_ = program;
}

// The number of images to run on, checked.
int32_t Executable::batch(const Napi::CallbackInfo& info) const {
  const Napi::Env env = info.Env();
  if (!program_) throw backend_error(env, "[program] was disposed");
  const double batch = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  const int32_t capacity = program_->capacity();
  if (!(batch >= 1 && batch <= capacity) || batch != static_cast<int32_t>(batch)) {
    throw backend_error(env, "[program] the batch must be a whole number from 1 to " +
                                 std::to_string(capacity) + " but is " + info[0].ToString().Utf8Value());
  }
  return static_cast<int32_t>(batch);
}

void Executable::run(const Napi::CallbackInfo& info) {
  const int32_t images = batch(info);
  session_of(info.Env()).run(*program_, images);
}

Napi::Value Executable::run_async(const Napi::CallbackInfo& info) {
  try {
    const int32_t images = batch(info);
    return session_of(info.Env()).run_later(program_, images);
  } catch (const Napi::Error& error) {
    const auto refused = Napi::Promise::Deferred::New(info.Env());
    refused.Reject(error.Value());
    return refused.Promise();
  }
}

void Executable::dispose(const Napi::CallbackInfo&) { program_.reset(); }

}  // namespace twill
