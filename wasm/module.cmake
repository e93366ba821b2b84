# The WebAssembly modules, dist/wasm/twill-<isa>[-threads].wasm: kernels and runtime without JavaScript glue or an
# allocator, importing nothing but their memory. Emscripten compiles; wasm-ld links, for emcc links no shared memory
# without glue.
foreach(setting LLVM_ROOT LLVM_ADD_VERSION BINARYEN_ROOT)
  execute_process(
    COMMAND ${EMSCRIPTEN_ROOT_PATH}/em-config ${setting}
    OUTPUT_VARIABLE TWILL_${setting} OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endforeach()
find_program(TWILL_WASM_LD NAMES wasm-ld-${TWILL_LLVM_ADD_VERSION} wasm-ld HINTS ${TWILL_LLVM_ROOT} NO_CACHE REQUIRED)
find_program(TWILL_WASM_OPT NAMES wasm-opt HINTS ${TWILL_BINARYEN_ROOT}/bin NO_DEFAULT_PATH NO_CACHE REQUIRED)

file(GLOB TWILL_RUNTIME_SOURCES CONFIGURE_DEPENDS native/runtime/*.cc)
list(FILTER TWILL_RUNTIME_SOURCES EXCLUDE REGEX "instruction_set\\.cc$") # a module is compiled for one

# What the loader makes the memory with (src/backend/wasm_module.ts). 256 kB of stack lie below the data, so that an
# overflow traps instead of overwriting it.
set(TWILL_WASM_LINK_FLAGS
    --no-entry --gc-sections --strip-all -O3 --import-memory --initial-memory=1048576 --max-memory=4294967296
    --stack-first -z stack-size=262144 --export=__heap_base)
set(TWILL_WASM_FEATURES --enable-simd --enable-bulk-memory --enable-mutable-globals --enable-sign-ext
                        --enable-nontrapping-float-to-int)
set(TWILL_WASM_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/dist/wasm)

# twill_module(<isa> [threads])
function(twill_module isa)
  set(name twill-${isa})
  string(REPLACE "-" "_" kernels ${isa})
  set(sources wasm/exports.cc ${TWILL_RUNTIME_SOURCES})
  set(link_flags ${TWILL_WASM_LINK_FLAGS})
  set(features ${TWILL_WASM_FEATURES})
  if(isa MATCHES relaxed)
    list(APPEND features --enable-relaxed-simd)
  endif()
  if("threads" IN_LIST ARGN)
    string(APPEND name -threads)
    list(APPEND sources wasm/team.cc)
    list(APPEND link_flags --shared-memory --export=__stack_pointer)
    list(APPEND features --enable-threads)
  endif()

  string(REPLACE "-" "_" objects ${name})
  add_library(${objects} OBJECT ${sources})
  target_compile_definitions(${objects} PRIVATE TWILL_ISA=${kernels})
  target_compile_options(
    ${objects} PRIVATE ${TWILL_FLAGS_${kernels}} ${TWILL_KERNEL_FLAGS} ${TWILL_WARNINGS} -Oz)
  if("threads" IN_LIST ARGN)
    target_compile_definitions(${objects} PRIVATE TWILL_THREADS)
  endif()

  set(module ${TWILL_WASM_DIRECTORY}/${name}.wasm)
  add_custom_command(
    OUTPUT ${module}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${TWILL_WASM_DIRECTORY}
    COMMAND ${TWILL_WASM_LD} ${link_flags} -o ${name}.linked.wasm $<TARGET_OBJECTS:${objects}>
            $<TARGET_OBJECTS:twill_kernels_${kernels}> -L${EMSCRIPTEN_SYSROOT}/lib/wasm32-emscripten -lc-mt
            -lcompiler_rt-mt
    COMMAND ${TWILL_WASM_OPT} -O3 ${features} ${name}.linked.wasm -o ${module}
    DEPENDS ${objects} twill_kernels_${kernels} $<TARGET_OBJECTS:${objects}> $<TARGET_OBJECTS:twill_kernels_${kernels}>
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${module})
endfunction()

foreach(isa simd128 relaxed-simd128)
  twill_module(${isa})
  twill_module(${isa} threads)
endforeach()
