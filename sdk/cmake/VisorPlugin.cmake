# visor_add_plugin(name SOURCES ... [LIBS ...])
#   The plugin <name>, the same objects for both uses: an OBJECT library `visor_plugin_<name>` for bundles and,
#   natively, the shared object visor-<name>.so in ${VISOR_PLUGIN_DIR}, target `visor_plugin_<name>_so`, which exports
#   one symbol, visor_plugin_<name>.
#
# visor_bundle(target PLUGINS name...)
#   Links the plugins into `target` and generates the table `visor_bundle` (declared in visor/bundle.h) that names them.
#   A plugin is one that visor_add_plugin made, or one of ${VISOR_HOST_PLUGINS}, which come with an installed SDK.
#   Where there is no such target, it is made, with a host: natively the program `visor` with these plugins linked in,
#   for wasm32 the module <target>.wasm that visor.js boots.

if(NOT DEFINED VISOR_WASM)
  string(COMPARE EQUAL "${CMAKE_SYSTEM_PROCESSOR}" wasm32 VISOR_WASM)
endif()
if(NOT DEFINED VISOR_PLUGIN_DIR)
  set(VISOR_PLUGIN_DIR ${CMAKE_BINARY_DIR}/plugins)
endif()

function(visor_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "visor_add_plugin: the name of a plugin is of the form [a-z][a-z0-9_]*; got '${name}'")
  endif()
  add_library(visor_plugin_${name} OBJECT ${ARG_SOURCES})
  target_link_libraries(visor_plugin_${name} PUBLIC visor::sdk ${ARG_LIBS})
  target_compile_features(visor_plugin_${name} PUBLIC cxx_std_23)
  if(TARGET visor_options)
    target_link_libraries(visor_plugin_${name} PRIVATE visor_options)
  endif()
  set_target_properties(visor_plugin_${name} PROPERTIES
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  set_property(GLOBAL APPEND PROPERTY VISOR_PLUGINS ${name})
  if(VISOR_WASM)
    # There is nothing to unwind in a tab; each function a section, so that what is not called is left out.
    target_compile_options(visor_plugin_${name} PRIVATE -ffunction-sections -fdata-sections
      $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)
    return()
  endif()

  set_target_properties(visor_plugin_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  set(script ${CMAKE_CURRENT_BINARY_DIR}/visor-${name}.map)
  file(CONFIGURE OUTPUT ${script} CONTENT "{ global: visor_plugin_${name}; local: *; };\n")
  add_library(visor_plugin_${name}_so MODULE)
  target_link_libraries(visor_plugin_${name}_so PRIVATE visor_plugin_${name})
  set_target_properties(visor_plugin_${name}_so PROPERTIES PREFIX "" OUTPUT_NAME visor-${name}
    LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY ${VISOR_PLUGIN_DIR} LINK_DEPENDS ${script})
  target_link_options(visor_plugin_${name}_so PRIVATE
    -Wl,--version-script=${script} -Wl,-z,now -Wl,--exclude-libs,ALL)
  if(NOT VISOR_SANITIZE) # the sanitizers' runtime is found in the program
    target_link_options(visor_plugin_${name}_so PRIVATE -Wl,-z,defs)
  endif()
endfunction()

function(visor_bundle target)
  cmake_parse_arguments(ARG "" "" "PLUGINS" ${ARGN})
  if(NOT TARGET ${target})
    add_executable(${target})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(${target} PRIVATE visor::host)
    if(VISOR_WASM)
      set_target_properties(${target} PROPERTIES SUFFIX .wasm)
      target_link_options(${target} PRIVATE -mexec-model=reactor -Wl,--undefined=visor_boot -Wl,--strip-all)
    endif()
  endif()
  set(declarations "")
  set(rows "")
  foreach(name IN LISTS ARG_PLUGINS)
    string(APPEND declarations "extern const visor_plugin visor_plugin_${name};\n")
    string(APPEND rows "  &visor_plugin_${name},\n")
    if(TARGET visor_plugin_${name})
      target_link_libraries(${target} PRIVATE visor_plugin_${name})
    elseif(NOT name IN_LIST VISOR_HOST_PLUGINS)
      get_property(known GLOBAL PROPERTY VISOR_PLUGINS)
      list(JOIN known ", " known)
      list(JOIN VISOR_HOST_PLUGINS ", " brought)
      message(FATAL_ERROR "visor_bundle: there is no plugin '${name}'; visor_add_plugin made: ${known}; "
        "the SDK brings: ${brought}")
    endif()
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${target}_bundle.c)
  file(CONFIGURE OUTPUT ${table} CONTENT
    "#include <visor/bundle.h>\n\n${declarations}\nconst visor_plugin *const visor_bundle[] = {\n${rows}  NULL,\n};\n")
  target_sources(${target} PRIVATE ${table})
  target_link_libraries(${target} PRIVATE visor::sdk)
endfunction()
