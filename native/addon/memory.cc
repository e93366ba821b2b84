#include "memory.h"

#include <cmath>
#include <cstring>

#include "session.h"

namespace twill {
namespace {

constexpr napi_type_tag kMemoryTag = {0x7477696c6c2d6d65, 0x6d6f727900000001};

// A JavaScript number as a whole number of bytes, or -1.
int64_t to_bytes(Napi::Value value) {
  constexpr double kMaxSafe = 9007199254740991;
  if (!value.IsNumber()) return -1;
  const double number = value.As<Napi::Number>().DoubleValue();
  return number >= 0 && number <= kMaxSafe && number == std::floor(number) ? static_cast<int64_t>(number)
                                                                           : -1;
}

}  // namespace

Napi::Function Memory::define(Napi::Env env) {
  return DefineClass(env, "Memory",
                     {
                         InstanceAccessor<&Memory::bytes>("bytes"),
                         InstanceMethod<&Memory::write>("write"),
                         InstanceMethod<&Memory::read>("read"),
                         InstanceMethod<&Memory::dispose>("dispose"),
                     });
}

Memory::Memory(const Napi::CallbackInfo& info) : ObjectWrap(info), env_(info.Env()) {
  const int64_t bytes = to_bytes(info[0]);
  if (bytes < 0) {
    throw backend_error(
        env_, "[memory] expected a whole number of bytes but got " + info[0].ToString().Utf8Value());
  }
  storage_ = Storage::allocate(bytes);
  if (!storage_) throw out_of_memory_error(env_, bytes);
  info.This().As<Napi::Object>().TypeTag(&kMemoryTag);
  Napi::MemoryManagement::AdjustExternalMemory(env_, bytes);
}

Memory::~Memory() { release(); }

void Memory::release() {
  if (!storage_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env_, -storage_->bytes());
  storage_.reset();
}

std::shared_ptr<Storage> Memory::storage_of(Napi::Value value) {
  const Napi::Env env = value.Env();
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kMemoryTag)) {
    throw backend_error(env, "[memory] expected memory of this backend but got something else");
  }
  const auto& storage = Unwrap(value.As<Napi::Object>())->storage_;
  if (!storage) throw backend_error(env, "[memory] was disposed");
  return storage;
}

// Bytes of a typed array and of the storage that they are copied from or to.
struct Memory::Span {
  void* array;
  unsigned char* storage;
  size_t bytes;
};

Memory::Span Memory::span(const Napi::CallbackInfo& info, const char* verb) {
  const std::string where = std::string("[memory] ") + verb;
  if (!storage_) throw backend_error(env_, where + ": was disposed");
  if (!info[0].IsTypedArray()) throw backend_error(env_, where + ": expected a typed array");
  const auto array = info[0].As<Napi::TypedArray>();
  bool detached = false;
  napi_is_detached_arraybuffer(env_, array.ArrayBuffer(), &detached);
  if (detached) throw backend_error(env_, where + ": the array's buffer is detached");
  const int64_t offset = info[1].IsUndefined() ? 0 : to_bytes(info[1]);
  if (offset < 0) throw backend_error(env_, where + ": the offset must be a whole number of bytes");
  const size_t bytes = array.ByteLength();
  const int64_t held = storage_->bytes();
  if (bytes > static_cast<uint64_t>(held) || offset > held - static_cast<int64_t>(bytes)) {
    throw backend_error(env_, where + ": " + std::to_string(bytes) + " bytes at " + std::to_string(offset) +
                                  " reach past the end of " + std::to_string(held) + " bytes");
  }
  // Asked for from the array itself: a shared buffer does not tell where its bytes are.
  void* data = nullptr;
  napi_get_typedarray_info(env_, array, nullptr, nullptr, &data, nullptr, nullptr);
  return {data, storage_->block().data + offset, bytes};
}

Napi::Value Memory::bytes(const Napi::CallbackInfo&) {
  return Napi::Number::New(env_, storage_ ? static_cast<double>(storage_->bytes()) : 0);
}

void Memory::write(const Napi::CallbackInfo& info) {
  const Span span = this->span(info, "write");
  const auto lock = session_of(env_).between_runs();
  if (span.bytes) std::memcpy(span.storage, span.array, span.bytes);
}

void Memory::read(const Napi::CallbackInfo& info) {
  const Span span = this->span(info, "read");
  const auto lock = session_of(env_).between_runs();
  if (span.bytes) std::memcpy(span.array, span.storage, span.bytes);
}

void Memory::dispose(const Napi::CallbackInfo&) { release(); }

}  // namespace twill
