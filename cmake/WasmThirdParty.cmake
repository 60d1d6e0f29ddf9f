# The third-party targets of a wasm build, under the names of cmake/ThirdParty.cmake: headers from Debian's packages,
# libraries from Debian's source packages, so that a tab runs the code that the native build runs.
#
# VISOR_WASM_SOURCES  where the sources are kept (4 MB); every build folder uses the same.  Give a folder with
#                     libsecp256k1/, libsodium/, mbedtls/ and zlib/ of your own to build without a mirror.
include(FetchContent)

set(VISOR_WASM_SOURCES ${PROJECT_SOURCE_DIR}/build/wasm-sources CACHE PATH "Unpacked Debian source packages")
set(visor_fetch ${PROJECT_SOURCE_DIR}/tools/fetch-sources.sh ${VISOR_WASM_SOURCES} libsecp256k1 libsodium mbedtls zlib)
# Asked again at each configuration, at no cost when all is there: the folder may have been emptied in between.
FetchContent_Declare(debian_sources SOURCE_DIR ${VISOR_WASM_SOURCES}
  DOWNLOAD_COMMAND ${visor_fetch} UPDATE_COMMAND ${visor_fetch})
FetchContent_MakeAvailable(debian_sources)

# visor_wasm_library(name SOURCES ... INCLUDES ... DEFINES ...): a static library of somebody else's code, compiled
# with nothing but the build type's flags; its warnings are not ours to mend.
function(visor_wasm_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;INCLUDES;DEFINES" ${ARGN})
  add_library(visor_third_party_${name} STATIC ${ARG_SOURCES})
  add_library(visor::${name} ALIAS visor_third_party_${name})
  target_include_directories(visor_third_party_${name} SYSTEM PUBLIC ${ARG_INCLUDES})
  target_compile_definitions(visor_third_party_${name} PRIVATE ${ARG_DEFINES})
  target_compile_options(visor_third_party_${name} PRIVATE -w -ffunction-sections -fdata-sections
    -ffile-prefix-map=${VISOR_WASM_SOURCES}=. -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)
endfunction()

# Headers of packages that serve any processor.  /usr/include itself must not be searched: it has the machine's libc.
set(headers ${PROJECT_BINARY_DIR}/wasm-include)
file(MAKE_DIRECTORY ${headers})
foreach(package boost catch2)
  if(NOT EXISTS /usr/include/${package})
    message(FATAL_ERROR "/usr/include/${package} is missing: run `make deps`")
  endif()
  file(CREATE_LINK /usr/include/${package} ${headers}/${package} SYMBOLIC)
endforeach()
add_library(visor_third_party_headers INTERFACE)
target_include_directories(visor_third_party_headers SYSTEM INTERFACE ${headers})
target_compile_definitions(visor_third_party_headers INTERFACE BOOST_SYSTEM_DISABLE_THREADS BOOST_ALL_NO_LIB)

add_library(visor::beast ALIAS visor_third_party_headers)

# Numbers are written with a small table of powers instead of 10 KB of them.
visor_wasm_library(json SOURCES ${CMAKE_CURRENT_LIST_DIR}/wasm/boost_json.cpp DEFINES BOOST_JSON_RYU_OPTIMIZE_SIZE)
target_link_libraries(visor_third_party_json PUBLIC visor_third_party_headers)

# 64-bit products: 128-bit ones are emulated, three to six times slower.
set(secp256k1 ${VISOR_WASM_SOURCES}/libsecp256k1)
visor_wasm_library(secp256k1
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/wasm/secp256k1_computed.c
  INCLUDES ${secp256k1}/include
  DEFINES ENABLE_MODULE_RECOVERY=1 ENABLE_MODULE_ECDH=1 ECMULT_WINDOW_SIZE=6 ECMULT_GEN_PREC_BITS=4
    USE_FORCE_WIDEMUL_INT64=1)
target_include_directories(visor_third_party_secp256k1 PRIVATE ${secp256k1}/src)

# Hashes, HMAC, ChaCha20-Poly1305 (both nonces) and random numbers, which wasi-libc gets through random_get.
set(sodium ${VISOR_WASM_SOURCES}/libsodium/src/libsodium)
set(VERSION 1.0.18) # as the package's; the header is made by its configure script
set(SODIUM_LIBRARY_VERSION_MAJOR 10)
set(SODIUM_LIBRARY_VERSION_MINOR 3)
set(SODIUM_LIBRARY_MINIMAL_DEF "")
configure_file(${sodium}/include/sodium/version.h.in ${PROJECT_BINARY_DIR}/wasm-sodium/sodium/version.h @ONLY)
set(files
  sodium/codecs.c sodium/core.c sodium/runtime.c sodium/utils.c
  randombytes/randombytes.c randombytes/sysrandom/randombytes_sysrandom.c
  crypto_verify/sodium/verify.c
  crypto_hash/sha256/hash_sha256.c crypto_hash/sha256/cp/hash_sha256_cp.c
  crypto_hash/sha512/hash_sha512.c crypto_hash/sha512/cp/hash_sha512_cp.c
  crypto_auth/hmacsha256/auth_hmacsha256.c crypto_auth/hmacsha512/auth_hmacsha512.c
  crypto_stream/chacha20/stream_chacha20.c crypto_stream/chacha20/ref/chacha20_ref.c
  crypto_stream/xchacha20/stream_xchacha20.c crypto_core/hchacha20/core_hchacha20.c
  crypto_onetimeauth/poly1305/onetimeauth_poly1305.c crypto_onetimeauth/poly1305/donna/poly1305_donna.c
  crypto_aead/chacha20poly1305/sodium/aead_chacha20poly1305.c
  crypto_aead/xchacha20poly1305/sodium/aead_xchacha20poly1305.c)
list(TRANSFORM files PREPEND ${sodium}/)
visor_wasm_library(sodium
  SOURCES ${files} ${CMAKE_CURRENT_LIST_DIR}/wasm/sodium_unused.c
  INCLUDES ${sodium}/include ${PROJECT_BINARY_DIR}/wasm-sodium
  DEFINES SODIUM_STATIC=1 CONFIGURED=1 NATIVE_LITTLE_ENDIAN=1 _WASI_EMULATED_SIGNAL)
target_include_directories(visor_third_party_sodium PRIVATE
  ${sodium}/include/sodium ${PROJECT_BINARY_DIR}/wasm-sodium/sodium)
target_compile_definitions(visor_third_party_sodium INTERFACE SODIUM_STATIC=1)
target_link_libraries(visor_third_party_sodium INTERFACE wasi-emulated-signal)

target_compile_options(visor_third_party_sodium PRIVATE -O2) # ciphers and hashes: five times faster than with -Oz

# AES-256-GCM in software; libsodium's wants the processor's instructions.
set(mbedtls ${VISOR_WASM_SOURCES}/mbedtls)
set(files aes.c cipher.c cipher_wrap.c constant_time.c gcm.c platform_util.c)
list(TRANSFORM files PREPEND ${mbedtls}/library/)
visor_wasm_library(mbedcrypto SOURCES ${files} INCLUDES ${mbedtls}/include)
target_compile_definitions(visor_third_party_mbedcrypto PUBLIC
  "MBEDTLS_CONFIG_FILE=<${CMAKE_CURRENT_LIST_DIR}/wasm/mbedtls_config.h>")

set(zlib ${VISOR_WASM_SOURCES}/zlib)
visor_wasm_library(zlib
  SOURCES ${zlib}/adler32.c ${zlib}/compress.c ${zlib}/crc32.c ${zlib}/deflate.c ${zlib}/inffast.c
    ${zlib}/inflate.c ${zlib}/inftrees.c ${zlib}/trees.c ${zlib}/uncompr.c ${zlib}/zutil.c
  INCLUDES ${zlib})

# Every program: what Debian's own wasm objects need besides.
add_library(visor_wasm_runtime STATIC ${CMAKE_CURRENT_LIST_DIR}/wasm/stack_protector.c)
target_link_libraries(visor_options INTERFACE visor_wasm_runtime)
