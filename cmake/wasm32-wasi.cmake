# Toolchain for a browser's tab and for Node: Debian's clang 19, wasi-libc and libc++.
# Packages: see `make deps`.  One thread, no exceptions (docs/design.md, "Choices").
set(CMAKE_SYSTEM_NAME Generic) # CMake 3.25 does not know WASI
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_AR llvm-ar-19 CACHE FILEPATH "GNU ar does not index wasm objects")
set(CMAKE_RANLIB llvm-ranlib-19 CACHE FILEPATH "")
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

# Headers and libraries come from the compiler's own sysroot; the machine's are for another processor.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH /usr/lib/wasm32-wasi /usr/include/wasm32-wasi)

# Every browser of the last years copies memory with one instruction.
set(CMAKE_C_FLAGS_INIT "-mbulk-memory")
set(CMAKE_CXX_FLAGS_INIT "-mbulk-memory")
# Every byte is loaded before a tab is a visor, so that all is compiled for size and optimised as a whole when it is
# linked; what computes by the byte asks for -O2 (docs/design.md, "What a tab loads").  An unoptimised build is of no
# use: there is no debugger to serve.  FORCE: a folder that was configured before gets these, too.
set(CMAKE_BUILD_TYPE Release CACHE STRING "wasm is always built optimised")
set(CMAKE_C_FLAGS_RELEASE "-Oz -DNDEBUG -flto" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_RELEASE "-Oz -DNDEBUG -flto" CACHE STRING "" FORCE)
# wasm-ld's own stack is 64 KiB, above the data; below it, an overflow traps instead of overwriting.
# clang has Binaryen's wasm-opt go over what it links where it finds one (a fifth of the code goes): never without.
find_program(WASM_OPT wasm-opt REQUIRED)
mark_as_advanced(WASM_OPT)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-z,stack-size=1048576 -Wl,--stack-first -Wl,--gc-sections")

# Installed, this file lies beside the SDK's package.
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/VisorConfig.cmake)
  set(Visor_DIR ${CMAKE_CURRENT_LIST_DIR} CACHE PATH "")
endif()
