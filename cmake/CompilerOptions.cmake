# Compilations that were done before, in this clone or another, are not done again where ccache is installed.
find_program(CCACHE ccache)
if(CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(launcher env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

# visor_options: what every target of this tree is compiled with.
add_library(visor_options INTERFACE)
target_include_directories(visor_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(visor_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  -fvisibility=hidden $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)

if(VISOR_WASM)
  # Shared code reports errors as values; there is nothing to unwind (docs/design.md).
  # Clang's -Wconversion would also count changes of sign, and its -Wextra the fields that a designated initializer
  # leaves to their defaults; GCC's do not.
  target_compile_options(visor_options INTERFACE -ffunction-sections -fdata-sections -Wno-sign-conversion
    -Wno-missing-designated-field-initializers
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)
  # A module is linked where it stays: position-independent code would only look each address up.
  foreach(language C CXX)
    set(CMAKE_${language}_COMPILE_OPTIONS_PIC "")
    set(CMAKE_${language}_COMPILE_OPTIONS_PIE "")
  endforeach()
else()
  # g++ 12 warns of overlapping copies where a text is joined to a literal in an optimised build (its bug 105651).
  # clang counts changes of sign and designated initializers here too, and what libstdc++ 12's own std::stable_sort
  # calls is deprecated to it.
  target_compile_options(visor_options INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique -Wno-restrict>
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-sign-conversion -Wno-missing-designated-field-initializers
      -Wno-deprecated-declarations>)
endif()

if(VISOR_SANITIZE)
  # The whole tree, so that a plugin and its host share one runtime.
  add_compile_options(-fsanitize=${VISOR_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  # The sanitizers' own code makes g++ 12 see uninitialized values in the standard library's headers.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  add_link_options(-fsanitize=${VISOR_SANITIZE})
endif()
if(VISOR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# visor_add_library(crypto SOURCES ... LIBS ...): a static library `visor_crypto`, alias visor::crypto.
function(visor_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
  add_library(visor_${name} STATIC ${ARG_SOURCES})
  add_library(visor::${name} ALIAS visor_${name})
  target_link_libraries(visor_${name} PUBLIC visor_options visor::sdk ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS})
endfunction()
