# The WebAssembly modules, dist/wasm/twill-<isa>[-threads][-<set>].wasm: kernels and runtime without JavaScript glue or an
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

# What depends on the set of kernels that a module has (kernels.inc).
set(TWILL_SET_SOURCES native/runtime/signature.cc native/runtime/extents.cc native/kernels/kernel_table.cc)
list(TRANSFORM TWILL_SET_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
list(REMOVE_ITEM TWILL_RUNTIME_SOURCES ${TWILL_SET_SOURCES})

# twill_objects(<target> <instruction set> <sources>...)
function(twill_objects target kernels)
  add_library(${target} OBJECT ${ARGN})
  target_compile_definitions(${target} PRIVATE TWILL_ISA=${kernels})
  target_compile_options(
    ${target} PRIVATE ${TWILL_FLAGS_${kernels}} ${TWILL_KERNEL_FLAGS} ${TWILL_WARNINGS} -Oz)
endfunction()

# twill_module(<isa> <set> [threads])
function(twill_module isa set)
  string(REPLACE "-" "_" kernels ${isa})
  set(name twill-${isa})
  set(runtime twill_runtime_${kernels})
  set(link_flags ${TWILL_WASM_LINK_FLAGS})
  set(features ${TWILL_WASM_FEATURES})
  if(isa MATCHES relaxed)
    list(APPEND features --enable-relaxed-simd)
  endif()
  if("threads" IN_LIST ARGN)
    string(APPEND name -threads)
    string(APPEND runtime _threads)
    list(APPEND link_flags --shared-memory --export=__stack_pointer)
    list(APPEND features --enable-threads)
  endif()
  if(NOT set STREQUAL all)
    string(APPEND name -${set})
  endif()

  set(libraries ${runtime} twill_${set}_${kernels} twill_kernels_${kernels})
  list(TRANSFORM libraries REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  set(module ${TWILL_WASM_DIRECTORY}/${name}.wasm)
  add_custom_command(
    OUTPUT ${module}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${TWILL_WASM_DIRECTORY}
    COMMAND ${TWILL_WASM_LD} ${link_flags} -o ${name}.linked.wasm ${objects}
            -L${EMSCRIPTEN_SYSROOT}/lib/wasm32-emscripten -lc-mt -lcompiler_rt-mt
    COMMAND ${TWILL_WASM_OPT} -O3 ${features} ${name}.linked.wasm -o ${module}
    DEPENDS ${libraries} ${objects}
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(${name} ALL DEPENDS ${module})
endfunction()

foreach(isa simd128 relaxed-simd128)
  string(REPLACE "-" "_" kernels ${isa})
  twill_objects(twill_runtime_${kernels} ${kernels} wasm/exports.cc ${TWILL_RUNTIME_SOURCES})
  twill_objects(twill_runtime_${kernels}_threads ${kernels} wasm/exports.cc wasm/team.cc ${TWILL_RUNTIME_SOURCES})
  target_compile_definitions(twill_runtime_${kernels}_threads PRIVATE TWILL_THREADS)
  set(number 0)
  foreach(set predict train all)
    twill_objects(twill_${set}_${kernels} ${kernels} ${TWILL_SET_SOURCES})
    target_compile_definitions(twill_${set}_${kernels} PRIVATE TWILL_KERNEL_SET=${number})
    twill_module(${isa} ${set})
    twill_module(${isa} ${set} threads)
    math(EXPR number "${number} + 1")
  endforeach()
endforeach()
