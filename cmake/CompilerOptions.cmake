# visor_options: what every target of this tree is compiled with.
add_library(visor_options INTERFACE)
target_include_directories(visor_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(visor_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  -fvisibility=hidden $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>)

if(VISOR_WASM)
  # Shared code reports errors as values; there is nothing to unwind (docs/design.md).
  target_compile_options(visor_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)
else()
  target_compile_options(visor_options INTERFACE
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
endif()

if(VISOR_SANITIZE)
  # The whole tree, so that a plugin and its host share one runtime.
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# visor_add_library(crypto SOURCES ... LIBS ...): a static library `visor_crypto`, alias visor::crypto.
function(visor_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
  add_library(visor_${name} STATIC ${ARG_SOURCES})
  add_library(visor::${name} ALIAS visor_${name})
  target_link_libraries(visor_${name} PUBLIC visor_options visor::sdk ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS})
endfunction()
