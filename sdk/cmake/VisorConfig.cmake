# find_package(Visor 0.1 [COMPONENTS json])
#   visor::sdk            the headers
#   visor_add_plugin()    visor_bundle()    VISOR_WASM      see VisorPlugin.cmake
#   VISOR_HOST_PLUGINS    the plugins that a bundle can have besides one's own
#   visor::json           (component json) Boost.JSON, natively and for wasm
# For wasm32 configure with the toolchain file beside this one: --toolchain PREFIX/lib/cmake/Visor/wasm32-wasi.cmake
include(${CMAKE_CURRENT_LIST_DIR}/VisorTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/VisorPlugin.cmake)

# The host for bundles is that of the processor; it is there when that build was installed too.
if(VISOR_WASM)
  include(${CMAKE_CURRENT_LIST_DIR}/VisorHost-wasm32-wasi.cmake OPTIONAL)
else()
  include(${CMAKE_CURRENT_LIST_DIR}/VisorHost-native.cmake OPTIONAL)
endif()

if("json" IN_LIST Visor_FIND_COMPONENTS)
  if(NOT VISOR_WASM)
    include(CMakeFindDependencyMacro)
    find_dependency(Boost 1.81 COMPONENTS json)
    if(NOT TARGET visor::json)
      add_library(visor::json INTERFACE IMPORTED)
      target_link_libraries(visor::json INTERFACE Boost::json)
    endif()
  elseif(TARGET visor::host)
    # The host's own copy, so the headers must be those that it was compiled with.
    set(version "")
    if(EXISTS /usr/include/boost/version.hpp)
      file(STRINGS /usr/include/boost/version.hpp version REGEX "define BOOST_LIB_VERSION")
    endif()
    if(NOT version MATCHES "\"${VISOR_HOST_BOOST}\"")
      set(Visor_FOUND FALSE)
      set(Visor_NOT_FOUND_MESSAGE "visor::json needs the headers of Boost ${VISOR_HOST_BOOST}, with which the host for \
wasm was compiled, in /usr/include/boost; found: ${version}")
      return()
    endif()
    # Only Boost: /usr/include itself has the machine's libc, which is not wasm's.
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/visor-include)
    file(CREATE_LINK /usr/include/boost ${CMAKE_BINARY_DIR}/visor-include/boost SYMBOLIC)
    if(NOT TARGET visor::json)
      add_library(visor::json INTERFACE IMPORTED)
      target_include_directories(visor::json SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/visor-include)
      target_compile_definitions(visor::json INTERFACE BOOST_SYSTEM_DISABLE_THREADS BOOST_ALL_NO_LIB)
    endif()
  endif()
endif()

foreach(component IN LISTS Visor_FIND_COMPONENTS)
  if(NOT TARGET visor::${component} AND Visor_FIND_REQUIRED_${component})
    set(Visor_FOUND FALSE)
    set(Visor_NOT_FOUND_MESSAGE "this SDK has no component '${component}' for this processor; install the build for it too \
(make install installs the native one and the one for wasm32)")
  endif()
endforeach()
