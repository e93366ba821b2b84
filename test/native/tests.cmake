# The kernels' own tests, build/test/<name>_<instruction set>: `npm run build:test` builds them, `npm test` runs them.
set(TWILL_TEST_DIRECTORY ${CMAKE_SOURCE_DIR}/build/test CACHE PATH "Where the kernels' tests go")
add_custom_target(native_tests)
add_custom_target(program_fuzz) # for `npm run fuzz`

# What checks and runs a program, without the choice of an instruction set: each test is of one.
file(GLOB TWILL_PROGRAM_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/native/runtime/*.cc)
list(FILTER TWILL_PROGRAM_SOURCES EXCLUDE REGEX "instruction_set\\.cc$")
add_library(twill_guarded_program OBJECT EXCLUDE_FROM_ALL
            ${CMAKE_CURRENT_LIST_DIR}/guarded_program.cc ${TWILL_PROGRAM_SOURCES})
target_compile_options(twill_guarded_program PRIVATE ${TWILL_WARNINGS})
target_link_libraries(twill_guarded_program PUBLIC OpenMP::OpenMP_CXX)

# The team of WebAssembly's threads on threads of this machine, where that has what stands for the engine's two
# instructions.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  find_package(Threads REQUIRED)
  target_sources(twill_guarded_program PRIVATE ${CMAKE_CURRENT_LIST_DIR}/wasm_team.cc ${CMAKE_SOURCE_DIR}/wasm/team.cc)
  set_source_files_properties(
    ${CMAKE_SOURCE_DIR}/wasm/team.cc PROPERTIES COMPILE_OPTIONS "-include;${CMAKE_CURRENT_LIST_DIR}/wasm_atomics.h")
  target_compile_definitions(twill_guarded_program PUBLIC TWILL_WASM_TEAM)
  target_link_libraries(twill_guarded_program PUBLIC Threads::Threads)
endif()

# twill_kernel_test(<name> <instruction set> [libraries...])
function(twill_kernel_test name isa)
  set(test ${name}_${isa})
  add_executable(${test} EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/test/native/${name}.cc)
  target_compile_definitions(${test} PRIVATE TWILL_ISA=${isa})
  target_compile_options(${test} PRIVATE ${TWILL_WARNINGS})
  target_link_libraries(${test} PRIVATE twill_kernels_${isa} ${ARGN})
  set_target_properties(${test} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${TWILL_TEST_DIRECTORY})
endfunction()

foreach(isa IN LISTS TWILL_INSTRUCTION_SETS)
  twill_kernel_test(conv2d_test ${isa})
  twill_kernel_test(program_test ${isa} twill_guarded_program)
  twill_kernel_test(program_fuzz ${isa} twill_guarded_program)
  add_dependencies(native_tests conv2d_test_${isa} program_test_${isa} program_fuzz_${isa})
  add_dependencies(program_fuzz program_fuzz_${isa})
  # With -DTWILL_SANITIZE=fuzzer-no-link,... (clang) it is libFuzzer that feeds it, else its own main with files.
  if(TWILL_SANITIZE MATCHES "fuzzer")
    target_sources(
      program_fuzz_${isa} PRIVATE ${CMAKE_CURRENT_LIST_DIR}/editable_program.cc
                                  ${CMAKE_CURRENT_LIST_DIR}/program_mutator.cc)
    target_link_options(program_fuzz_${isa} PRIVATE -fsanitize=fuzzer)
  else()
    target_compile_definitions(program_fuzz_${isa} PRIVATE TWILL_REPLAY)
  endif()
endforeach()

# The kernels in float64, but for those that look at the bits of floats.
set(TWILL_FLOAT64_SOURCES ${TWILL_KERNEL_SOURCES})
list(FILTER TWILL_FLOAT64_SOURCES EXCLUDE REGEX "/(activation|dropout|softmax|value_loss)\\.cc$")
add_library(twill_kernels_float64 OBJECT EXCLUDE_FROM_ALL ${TWILL_FLOAT64_SOURCES})
target_compile_definitions(twill_kernels_float64 PRIVATE TWILL_ISA=float64 TWILL_SIMD_SCALAR)
# Some tables of blocks have no rows for a vector of one lane.
target_compile_options(
  twill_kernels_float64 PRIVATE ${TWILL_WARNINGS} -Wno-array-bounds -include ${CMAKE_CURRENT_LIST_DIR}/float64.h)
add_executable(gradient_test_float64 EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/gradient_test.cc ${TWILL_PROGRAM_SOURCES})
target_compile_definitions(gradient_test_float64 PRIVATE TWILL_ISA=float64)
target_compile_options(gradient_test_float64 PRIVATE ${TWILL_WARNINGS})
target_link_libraries(gradient_test_float64 PRIVATE twill_kernels_float64 OpenMP::OpenMP_CXX)
set_target_properties(gradient_test_float64 PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${TWILL_TEST_DIRECTORY})
add_dependencies(native_tests gradient_test_float64)
