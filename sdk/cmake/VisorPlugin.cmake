# visor_add_plugin(name SOURCES ... [LIBS ...])
#   The plugin <name>, the same objects for both uses: an OBJECT library `visor_plugin_<name>` for bundles and,
#   natively, the shared object visor-<name>.so in ${VISOR_PLUGIN_DIR}, which exports one symbol, visor_plugin_<name>.
#
# visor_bundle(target PLUGINS name...)
#   Links the plugins into `target` and generates the table `visor_bundle` (declared in visor/bundle.h) that names them.

if(NOT DEFINED VISOR_PLUGIN_DIR)
  set(VISOR_PLUGIN_DIR ${CMAKE_BINARY_DIR}/plugins)
endif()

function(visor_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(visor_plugin_${name} OBJECT ${ARG_SOURCES})
  target_link_libraries(visor_plugin_${name} PUBLIC visor::sdk ${ARG_LIBS})
  if(TARGET visor_options)
    target_link_libraries(visor_plugin_${name} PRIVATE visor_options)
  endif()
  set_target_properties(visor_plugin_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  set_property(GLOBAL APPEND PROPERTY VISOR_PLUGINS ${name})
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "wasm32")
    return()
  endif()

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
  set(declarations "")
  set(rows "")
  foreach(name IN LISTS ARG_PLUGINS)
    string(APPEND declarations "extern const visor_plugin visor_plugin_${name};\n")
    string(APPEND rows "  &visor_plugin_${name},\n")
    target_link_libraries(${target} PRIVATE visor_plugin_${name})
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${target}_bundle.c)
  file(CONFIGURE OUTPUT ${table} CONTENT
    "#include <visor/bundle.h>\n\n${declarations}\nconst visor_plugin *const visor_bundle[] = {\n${rows}  NULL,\n};\n")
  target_sources(${target} PRIVATE ${table})
  target_link_libraries(${target} PRIVATE visor::sdk)
endfunction()
