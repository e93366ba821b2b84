// The `Executable` of src/backend/backend.ts.
#pragma once

#include <napi.h>

#include "storage.h"

namespace twill {

class Executable : public Napi::ObjectWrap<Executable> {
 public:
  static Napi::Function define(Napi::Env env);

  // new Executable(words, memories, instructionSet, threads)
  explicit Executable(const Napi::CallbackInfo& info);

 private:
  void run(const Napi::CallbackInfo& info);
  Napi::Value run_async(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  int32_t batch(const Napi::CallbackInfo& info) const;

  std::shared_ptr<const LoadedProgram> program_;  // null once disposed
};

}  // namespace twill
