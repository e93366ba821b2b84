# The native addon, build/Release/twill.node.
set(TWILL_ADDON_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/build/Release CACHE PATH "Where twill.node goes")
find_package(OpenMP REQUIRED COMPONENTS CXX)

# Headers come from npm packages, so that nothing is downloaded and plain CMake finds them too.
foreach(header "node-api-headers').include_dir" "node-addon-api').include_dir")
  execute_process(
    COMMAND node -p "require('path').resolve(require('${header})"
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    OUTPUT_VARIABLE directory
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND TWILL_NODE_INCLUDES ${directory})
endforeach()

file(GLOB TWILL_RUNTIME_SOURCES CONFIGURE_DEPENDS native/runtime/*.cc)
add_library(twill_runtime OBJECT ${TWILL_RUNTIME_SOURCES})
target_compile_options(twill_runtime PRIVATE ${TWILL_WARNINGS} -fno-exceptions -fno-rtti)
set(TWILL_COLD_SOURCES ${TWILL_RUNTIME_SOURCES}) # all but what runs programs
list(FILTER TWILL_COLD_SOURCES EXCLUDE REGEX "program_run\\.cc$")
set_source_files_properties(${TWILL_COLD_SOURCES} PROPERTIES COMPILE_OPTIONS "${TWILL_COLD_FLAGS}")
target_link_libraries(twill_runtime PRIVATE OpenMP::OpenMP_CXX)

file(GLOB TWILL_ADDON_SOURCES CONFIGURE_DEPENDS native/addon/*.cc)
add_library(twill MODULE ${TWILL_ADDON_SOURCES})
target_include_directories(twill SYSTEM PRIVATE ${TWILL_NODE_INCLUDES})
# A worker that is being terminated takes no exceptions any more: without the last one, throwing there ends the process.
target_compile_definitions(
  twill PRIVATE NAPI_VERSION=8 NAPI_CPP_EXCEPTIONS NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_compile_options(twill PRIVATE ${TWILL_WARNINGS} ${TWILL_COLD_FLAGS} -ffunction-sections)
target_link_libraries(twill PRIVATE twill_runtime ${TWILL_KERNEL_LIBRARIES} OpenMP::OpenMP_CXX)
set_target_properties(twill PROPERTIES PREFIX "" SUFFIX ".node" LIBRARY_OUTPUT_DIRECTORY ${TWILL_ADDON_DIRECTORY})

# A published addon has the OpenMP runtime beside it. It stays mapped after its last environment is gone: threads of its
# team may still be on their way out.
if(APPLE)
  target_link_options(twill PRIVATE -undefined dynamic_lookup)
  set(TWILL_OPENMP_RUNTIME ${OpenMP_omp_LIBRARY})
  set_target_properties(twill PROPERTIES INSTALL_RPATH "@loader_path")
else()
  # initfirst: see quiet_openmp.cc.
  target_link_options(twill PRIVATE -Wl,-z,nodelete -Wl,-z,initfirst -Wl,--gc-sections -Wl,-z,noseparate-code)
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.so.1
    OUTPUT_VARIABLE TWILL_OPENMP_RUNTIME
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  set_target_properties(twill PROPERTIES BUILD_RPATH "$ORIGIN" INSTALL_RPATH "$ORIGIN")
endif()

# What a platform's package holds (npm/pack.js).
install(TARGETS twill LIBRARY DESTINATION .)
get_filename_component(TWILL_OPENMP_NAME ${TWILL_OPENMP_RUNTIME} NAME)
get_filename_component(TWILL_OPENMP_FILE ${TWILL_OPENMP_RUNTIME} REALPATH)
install(PROGRAMS ${TWILL_OPENMP_FILE} DESTINATION . RENAME ${TWILL_OPENMP_NAME})
