# The WebAssembly module, dist/wasm/twill.wasm: kernels and runtime without JavaScript glue, an allocator or imports.
file(GLOB TWILL_RUNTIME_SOURCES CONFIGURE_DEPENDS native/runtime/*.cc)
list(FILTER TWILL_RUNTIME_SOURCES EXCLUDE REGEX "instruction_set\\.cc$") # a module is compiled for one

add_executable(twill wasm/exports.cc ${TWILL_RUNTIME_SOURCES})
target_compile_options(twill PRIVATE ${TWILL_FLAGS_wasm} ${TWILL_WARNINGS} -fno-exceptions -fno-rtti)
target_link_libraries(twill PRIVATE ${TWILL_KERNEL_LIBRARIES})
# 256 kB of stack below the data, so that an overflow traps instead of overwriting it.
target_link_options(twill PRIVATE
  ${TWILL_FLAGS_wasm} -O3 --no-entry -sSTANDALONE_WASM -sMALLOC=none -sFILESYSTEM=0
  -sSTACK_SIZE=262144 -sALLOW_MEMORY_GROWTH -sINITIAL_HEAP=65536 -sMAXIMUM_MEMORY=4GB
  -Wl,--stack-first -Wl,--export=__heap_base)
set_target_properties(twill PROPERTIES SUFFIX ".wasm" RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/dist/wasm)
