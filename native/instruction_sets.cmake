# Instruction set -> flags, in one place. Every kernel is compiled once for each set of the target architecture.
if(EMSCRIPTEN)
  set(TWILL_INSTRUCTION_SETS simd128 relaxed_simd128)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(TWILL_INSTRUCTION_SETS avx512 avx2 sse2)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  set(TWILL_INSTRUCTION_SETS neon)
else()
  set(TWILL_INSTRUCTION_SETS scalar)
endif()

set(TWILL_FLAGS_avx512 -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
set(TWILL_FLAGS_avx2 -mavx2 -mfma)
# The last resort, on processors before 2013: small before fast.
set(TWILL_FLAGS_sse2 -msse2 -Os)
set(TWILL_FLAGS_neon)
set(TWILL_FLAGS_scalar)
# -Os: a module is downloaded, its hot loops are unrolled by templates whatever the level, and were measured to be as
# fast as with -O3. -matomics lets the linker share the memory; kernels hold no atomic instruction.
set(TWILL_FLAGS_simd128 -Os -msimd128 -mbulk-memory -matomics)
set(TWILL_FLAGS_relaxed_simd128 ${TWILL_FLAGS_simd128} -mrelaxed-simd)

# Bits may not depend on the compiler's whims: a product and a sum become one rounding only where the source says so.
# Neither errno nor floating-point traps are looked at.
set(TWILL_KERNEL_FLAGS -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-exceptions -fno-rtti)
set(TWILL_WARNINGS -Wall -Wextra)
# A platform's package has a budget of 2 MB. Kernels unroll their loops themselves and go by whole vectors: what GCC
# peels off, splits and vectorizes besides is a tenth of their code.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND TWILL_KERNEL_FLAGS -fno-peel-loops -fno-split-loops -fvect-cost-model=very-cheap
       -fno-asynchronous-unwind-tables -falign-jumps=1 -falign-labels=1)
  # There GCC orders instructions before it gives out registers: of 960 inner loops of the convolutions 137 spilled sums
  # for it, and 13 without.
  list(APPEND TWILL_FLAGS_neon -fno-schedule-insns)
endif()
# What runs once a program, or less often.
set(TWILL_COLD_FLAGS $<$<CONFIG:Release>:-Os>)

# Adds an object library twill_kernels_<isa> for each instruction set and lists them in TWILL_KERNEL_LIBRARIES.
file(GLOB TWILL_KERNEL_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/kernels/*.cc)
# As fast when small (bench --only traffic): what runs once a step, and loops of which GCC would make a copy for each
# condition.
foreach(kernel cross_entropy dropout update)
  set_source_files_properties(
    ${CMAKE_CURRENT_LIST_DIR}/kernels/${kernel}.cc PROPERTIES COMPILE_OPTIONS "${TWILL_COLD_FLAGS}")
endforeach()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(
    ${CMAKE_CURRENT_LIST_DIR}/kernels/pad2d.cc PROPERTIES COMPILE_OPTIONS -fno-unswitch-loops)
endif()
if(EMSCRIPTEN) # has several (wasm/module.cmake)
  list(FILTER TWILL_KERNEL_SOURCES EXCLUDE REGEX "kernel_table\\.cc$")
endif()
set(TWILL_KERNEL_LIBRARIES)
foreach(isa IN LISTS TWILL_INSTRUCTION_SETS)
  add_library(twill_kernels_${isa} OBJECT ${TWILL_KERNEL_SOURCES})
  target_compile_definitions(twill_kernels_${isa} PRIVATE TWILL_ISA=${isa})
  target_compile_options(twill_kernels_${isa} PRIVATE ${TWILL_FLAGS_${isa}} ${TWILL_KERNEL_FLAGS} ${TWILL_WARNINGS})
  list(APPEND TWILL_KERNEL_LIBRARIES twill_kernels_${isa})
endforeach()
