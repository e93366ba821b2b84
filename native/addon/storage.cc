#include "storage.h"

#include <cstdlib>
#include <new>

namespace twill {

std::shared_ptr<Storage> Storage::allocate(int64_t bytes) {
  if (bytes > INT64_MAX / 2 || static_cast<uint64_t>(bytes) > SIZE_MAX / 2) return nullptr;
  // calloc, not aligned_alloc and memset: large blocks come as fresh pages that are zero already and cost nothing
  // until they are touched.
  void* allocation = std::calloc(1, static_cast<size_t>(bytes + 2 * kAlignment));
  if (!allocation) return nullptr;
  const uintptr_t at = (reinterpret_cast<uintptr_t>(allocation) + kAlignment - 1) / kAlignment * kAlignment;
  return std::shared_ptr<Storage>(new Storage(allocation, reinterpret_cast<unsigned char*>(at), bytes));
}

Storage::~Storage() { std::free(allocation_); }

}  // namespace twill
