// What the tests are fed with: files of words.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace twill {

inline std::vector<int32_t> words_of_file(const char* path) {
  FILE* file = std::fopen(path, "rb");
  if (!file) {
    std::perror(path);
    std::exit(2);
  }
  std::vector<int32_t> words;
  int32_t word;
  while (std::fread(&word, sizeof word, 1, file) == 1) words.push_back(word);
  std::fclose(file);
  return words;
}

}  // namespace twill
