#include "storage.h"

#include <cstdlib>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#endif

namespace twill {

std::shared_ptr<Storage> Storage::allocate(int64_t bytes) {
  if (bytes > INT64_MAX / 2 || static_cast<uint64_t>(bytes) > SIZE_MAX / 2) return nullptr;
  // calloc, not aligned_alloc and memset: large blocks come as fresh pages that are zero already and cost
  // nothing until they are touched.
  const size_t size = static_cast<size_t>(bytes + 2 * kAlignment);
  void* allocation = std::calloc(1, size);
  if (!allocation) return nullptr;
  const uintptr_t at = (reinterpret_cast<uintptr_t>(allocation) + kAlignment - 1) / kAlignment * kAlignment;
  const std::shared_ptr<Storage> storage(
      new Storage(allocation, reinterpret_cast<unsigned char*>(at), bytes));
  // What rounding leaves over on either side is no one's; a sanitizer's build says so.
  ASAN_POISON_MEMORY_REGION(allocation, size);
  ASAN_UNPOISON_MEMORY_REGION(storage->data_, storage->block().bytes);
  return storage;
}

Storage::~Storage() {
  ASAN_UNPOISON_MEMORY_REGION(allocation_, static_cast<size_t>(bytes_ + 2 * kAlignment));
  std::free(allocation_);
}

}  // namespace twill
