// The `Memory` of src/backend/backend.ts.
#pragma once

#include <napi.h>

#include "storage.h"

namespace twill {

class Memory : public Napi::ObjectWrap<Memory> {
 public:
  static Napi::Function define(Napi::Env env);

  // new Memory(bytes)
  explicit Memory(const Napi::CallbackInfo& info);
  ~Memory() override;

  // The storage behind a JavaScript value. Throws BackendError where it is no Memory or was disposed.
  static std::shared_ptr<Storage> storage_of(Napi::Value value);

 private:
  Napi::Value bytes(const Napi::CallbackInfo& info);
  void write(const Napi::CallbackInfo& info);
  void read(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  struct Span;
  Span span(const Napi::CallbackInfo& info, const char* verb);
  void release();

  Napi::Env env_;
  std::shared_ptr<Storage> storage_;  // null once disposed
};

}  // namespace twill
