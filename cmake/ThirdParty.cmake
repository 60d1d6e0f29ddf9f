# Third-party libraries under one name each, whatever they come from: Debian's packages natively,
# Debian's source packages in wasm (cmake/WasmThirdParty.cmake).  docs/design.md says why each is here.
#
#   visor::json       Boost.JSON             visor::beast     Boost.Beast's parser (headers)
#   visor::secp256k1  libsecp256k1           visor::sodium    libsodium
#   visor::zlib       zlib
# and only natively: visor::openssl visor::wslay visor::uv visor::leveldb visor::dll visor::cli visor::fmt, and for tests
# visor::valijson (headers)

if(VISOR_WASM)
  include(WasmThirdParty)
  return()
endif()

find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(leveldb CONFIG REQUIRED)
find_package(wslay CONFIG REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(SECP256K1 REQUIRED IMPORTED_TARGET libsecp256k1>=0.2.0)

function(visor_third_party name)
  add_library(visor_third_party_${name} INTERFACE)
  target_link_libraries(visor_third_party_${name} INTERFACE ${ARGN})
  add_library(visor::${name} ALIAS visor_third_party_${name})
endfunction()

visor_third_party(json Boost::json Boost::headers)
visor_third_party(beast Boost::headers)
visor_third_party(dll Boost::headers ${CMAKE_DL_LIBS})
target_compile_definitions(visor_third_party_dll INTERFACE BOOST_DLL_USE_STD_FS)
visor_third_party(secp256k1 PkgConfig::SECP256K1)
visor_third_party(sodium PkgConfig::SODIUM)
visor_third_party(openssl OpenSSL::SSL OpenSSL::Crypto)
visor_third_party(zlib ZLIB::ZLIB)
visor_third_party(wslay wslay)
visor_third_party(uv PkgConfig::UV Threads::Threads)
visor_third_party(leveldb leveldb::leveldb)
visor_third_party(cli CLI11::CLI11)
visor_third_party(fmt fmt::fmt)
if(VISOR_TESTS)
  find_path(VALIJSON_INCLUDE valijson/validator.hpp REQUIRED)
  visor_third_party(valijson)
  target_include_directories(visor_third_party_valijson SYSTEM INTERFACE ${VALIJSON_INCLUDE})
endif()
