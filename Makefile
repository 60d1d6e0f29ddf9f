# The few commands that a person needs; everything else is CMake's presets (CMakePresets.json).
JOBS ?= $(shell nproc)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
CLANG_FORMAT := clang-format-19

NATIVE_PACKAGES := g++ cmake ninja-build ccache pkg-config \
  libboost1.81-dev libboost-json1.81-dev libleveldb-dev libsnappy-dev libuv1-dev libsodium-dev libsecp256k1-dev \
  libssl-dev libwslay-dev zlib1g-dev libcli11-dev libfmt-dev libncurses-dev catch2
WASM_PACKAGES := clang-19 lld-19 llvm-19 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 libclang-rt-19-dev-wasm32 \
  wasi-libc binaryen dpkg-dev brotli node-qrcode-generator
TEST_PACKAGES := libvalijson-dev abigail-tools chromium prometheus clang-format-19 clang-tidy-19 zsh fish mandoc libclang-rt-19-dev
PACKAGES := $(NATIVE_PACKAGES) $(WASM_PACKAGES) $(TEST_PACKAGES)

.PHONY: help deps deps-build build build-page install test soak tsan tidy bench bench-deps tour house run fmt check-fmt clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# Installs those of $(1) that are missing, and of the commands $(2) the packages of the same name.
define install
@missing=$$(for package in $(1); do \
    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done; \
    for command in $(2); do command -v $$command >/dev/null || echo $$command | sed 's/^node$$/nodejs/'; done); \
  [ -z "$$missing" ] || { command -v apt-get >/dev/null || { \
      { echo "This system has no apt-get. Install what these packages of Debian 12 hold:"; echo $$missing | fmt; \
        echo "then build with: cmake --preset release && cmake --build --preset release"; } >&2; exit 1; }; \
    echo "installing:" $$missing; $(SUDO) apt-get -qq update && \
    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing >/dev/null; }
endef

deps-build: # what building and running need
	$(call install,$(NATIVE_PACKAGES) $(WASM_PACKAGES),)

deps: ## install what is missing: Debian packages, then the tests' npm packages
	$(call install,$(PACKAGES),node npm)
	@cmp -s web/package-lock.json web/node_modules/.installed || \
	  { (cd web && npm ci --no-audit --no-fund) && cp web/package-lock.json web/node_modules/.installed; }

build: deps-build build-release build-wasm ## the program (build/release) and the page with its bundle (build/wasm/web)

build-%:
	@[ -f build/$*/build.ninja ] || cmake --preset $* --log-level=NOTICE
	cmake --build --preset $* -j $(JOBS)

soak: deps build-fuzz build-soak ## simulate SEEDS (1000) networks, fuzz every target, each for MINUTES (10; 0.5 will do)
	tests/sim/soak.sh build/soak/tests/support/swarm_tests $(or $(SEEDS),1000)
	tests/fuzz/soak.sh build/fuzz/tests/fuzz $(or $(MINUTES),10)

tsan: deps build-tsan ## run what has threads, the tests on a real loop, under ThreadSanitizer
	ctest --preset tsan

tidy: deps ## look for mistakes with clang-tidy, in all C++ sources, or in the NEWEST=n outside of tests that were committed last
	@cmake --preset dev --log-level=ERROR >/dev/null
	node tools/tidy.mjs build/dev --jobs $(JOBS) $(if $(NEWEST),--newest $(NEWEST))

bench-deps: ## what benches are compared with: Debian packages, npm packages in bench/peers
	$(call install,prometheus victoria-metrics libtoxcore-dev,)
	cd bench/peers && npm ci --no-audit --no-fund

bench: deps ## measure everything (or NAME=drive), print ratios, write docs/performance.md
	@for preset in release wasm; do [ -f build/$$preset/build.ninja ] || cmake --preset $$preset --log-level=NOTICE; done
	cmake --build --preset release -j $(JOBS) --target bench
	cmake --build --preset wasm -j $(JOBS) --target bench
	bench/run.sh $(NAME)

tour: deps build ## take the pictures of docs/tour.md anew
	VISOR=build/release/programs/visor/visor VISOR_CHAT=build/release/clients/tui/visor-chat VISOR_PAGE=build/wasm/web node tools/tour.mjs

house: ## draw the rooms of the tree and count their lines anew (docs/house.md)
	node tools/house.mjs

# The page alone: whoever runs a network has no use for the wasm build's tests.
build-page:
	@[ -f build/wasm/build.ninja ] || cmake --preset wasm --log-level=NOTICE
	cmake --build --preset wasm -j $(JOBS) --target visor_site

run: deps-build build-release build-page ## start a whole network on this machine and print the address to open
	build/release/programs/visor/visor run demo

PREFIX ?= /usr/local
install: build ## the program, its plugins, the page and the SDK below PREFIX (/usr/local)
	cmake --build --preset release -j $(JOBS) --target visor_host_archive
	cmake --build --preset wasm -j $(JOBS) --target visor_host_archive
	cmake --install build/release --strip --prefix $(PREFIX)
	cmake --install build/wasm --prefix $(PREFIX)

# Natively under the sanitizers, then the portable part as wasm under Node.  The bundle first: end-to-end tests open it.
test: deps build-wasm build-asan ## build and run every test
	@status=0; for preset in wasm asan; do ctest --preset $$preset || status=1; done; exit $$status

fmt: ## lay the C++ sources out (the ABI's C headers are set by hand, as tables)
	git ls-files '*.hpp' '*.cpp' | xargs $(CLANG_FORMAT) -i

check-fmt: ## fail if `make fmt` would change something
	git ls-files '*.hpp' '*.cpp' | xargs $(CLANG_FORMAT) --dry-run -Werror

clean: ## remove everything that was built, but not the unpacked sources
	rm -rf build/dev build/release build/asan build/tsan build/fuzz build/wasm
