// A sentence about what was wrong, built without allocating: the runtime also runs where there is no
// allocator.
#pragma once

#include <cstdint>

namespace twill {

class Message {
 public:
  Message& operator<<(const char* text) {
    while (*text) append(*text++);
    return *this;
  }

  Message& operator<<(int64_t number) {
    char digits[20];
    int count = 0;
    uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    do digits[count++] = static_cast<char>('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) append('-');
    while (count) append(digits[--count]);
    return *this;
  }

  // The first `length` characters of `text`: a name within a signature.
  Message& append_prefix(const char* text, int length) {
    for (int i = 0; i < length; ++i) append(text[i]);
    return *this;
  }

  const char* text() const { return text_; }

 private:
  // What does not fit is cut off; no message of the runtime comes near.
  void append(char c) {
    if (size_ + 1 < static_cast<int>(sizeof text_)) text_[size_++] = c;
  }

  char text_[512] = {};
  int size_ = 0;
};

}  // namespace twill
