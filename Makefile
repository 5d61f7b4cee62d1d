# The front door. `make help` lists what there is; CMake and Ninja do the work.
.DEFAULT_GOAL := help
.PHONY: help build demo bundles test test-integration test-asan test-asan-units test-vm test-engines test-engines-vm vm-shell check-schema validation bench lint install deb test-package test-bundle-sources clean
.DELETE_ON_ERROR:

PREFIX ?= /usr/local
DESTDIR ?=
RELEASE := build/release
# A terminal gets Ninja's one moving line, a log gets only what goes wrong.
QUIET := $(shell test -t 1 || echo --quiet)
compile = cmake --build --preset $(1) --target $(2) -- $(QUIET)

help:
	@echo 'ocx, a low-level OCI container runtime'
	@echo
	@echo '  make demo              build, then run a first container: it reports what it sees'
	@echo '  make test              build, then run every test'
	@echo '  make test-integration  only the tests that run containers; OCX_RUNTIME=runc runs them on another runtime'
	@echo '  make test-asan         unit and integration tests with AddressSanitizer and UBSan'
	@echo '  make test-asan-units   the unit tests alone, which take a minute instead of half an hour'
	@echo '  make test-vm           those in a guest with systemd and cgroup v2 (VM=uml or qemu, TESTS="[cgroup]")'
	@echo '  make test-engines      podman, buildah, conmon, containerd, Docker with ocx as their runtime (ENGINES="podman docker": only these)'
	@echo '  make test-engines-vm   podman, containerd, Docker and more of the kind in such a guest (ENGINES="podman docker": only these)'
	@echo '  make test-bundle-sources  `ocx bundle` on what tar, buildah, skopeo and debootstrap make'
	@echo '  make vm-shell          one command in such a guest: CMD="ocx --version" (VM=uml or qemu)'
	@echo '  make check-schema      what ocx prints against the JSON schemas in SPEC=DIR, a clone of the runtime specification'
	@echo '  make validation        the validation suite in SUITE=DIR, a built checkout of runtime-tools; writes docs/conformance.md'
	@echo '  make bench             time ocx, crun, runc and the least the kernel needs, side by side'
	@echo '  make lint              format, clang-tidy, layers, sizes'
	@echo '  make build             the executable, $(RELEASE)/ocx'
	@echo '  make bundles           the root file systems of bundles/'
	@echo '  make install           below $$DESTDIR$$PREFIX (PREFIX=$(PREFIX)): ocx, man pages, completion'
	@echo '  make deb               a Debian package, $(RELEASE)/ocx_VERSION_ARCHITECTURE.deb'
	@echo '  make test-package      that package: lintian, and installed, used and removed in a clean Debian'
	@echo '  make clean             remove what was built'
	@echo
	@echo 'On Debian, as root, each target first installs the packages it needs (cmake/packages.sh lists them).'

build/%/build.ninja: CMakePresets.json
	@cmake/packages.sh build
	@mkdir -p build
	@cmake --preset $* >build/configure-$*.log 2>&1 || { cat build/configure-$*.log; exit 1; }
	@touch $@

build: $(RELEASE)/build.ninja
	@$(call compile,release,ocx)

bundles: $(RELEASE)/build.ninja
	@$(call compile,release,bundles)

demo: $(RELEASE)/build.ninja
	@cmake/packages.sh build
	@$(call compile,release,ocx bundles)
	$(RELEASE)/ocx run -b bundles/hello demo-$$$$

test: $(RELEASE)/build.ninja
	@cmake/packages.sh build test
	@$(call compile,release,all)
	@tests/run.sh $(RELEASE)

test-integration: $(RELEASE)/build.ninja
	@cmake/packages.sh build test
	@$(call compile,release,all)
	@tests/run.sh $(RELEASE) integration

test-asan: build/asan/build.ninja
	@cmake/packages.sh build test
	@$(call compile,asan,all)
	@OCX_SUITE_TIMEOUT=3600 tests/run.sh build/asan units integration

test-asan-units: build/asan/build.ninja
	@cmake/packages.sh build test
	@$(call compile,asan,ocx probe unit_sys unit_spec unit_cgroups unit_runtime unit_cmd)
	@tests/run.sh build/asan units

# VM, TESTS, ENGINES and CMD are in the environment of what runs here, as all variables of make's command line.
test-vm: $(RELEASE)/build.ninja
	@cmake/packages.sh build test vm
	@$(call compile,release,all)
	@tests/run.sh $(RELEASE) vm

test-engines: $(RELEASE)/build.ninja
	@cmake/packages.sh build engines
	@$(call compile,release,ocx)
	@tests/run.sh $(RELEASE) engines

test-engines-vm: $(RELEASE)/build.ninja
	@cmake/packages.sh build vm
	@$(call compile,release,all)
	@tests/run.sh $(RELEASE) engines-vm

test-bundle-sources: $(RELEASE)/build.ninja
	@cmake/packages.sh build bundle-sources
	@$(call compile,release,ocx)
	@tests/run.sh $(RELEASE) bundle-sources

vm-shell: $(RELEASE)/build.ninja
	@cmake/packages.sh build vm
	@$(call compile,release,all)
	@tests/vm/run.sh --vm $(or $(VM),uml) --build $(RELEASE) -- sh -c "$$CMD"

check-schema: build
	@test -d "$(SPEC)/schema" || { echo 'make check-schema SPEC=DIR: a clone of opencontainers/runtime-spec' >&2; exit 2; }
	@cmake/packages.sh schema
	@tests/validation/schema.py "$(SPEC)" $(RELEASE)/ocx

validation: build
	@test -d "$(SUITE)/validation" || { echo 'make validation SUITE=DIR: a checkout of opencontainers/runtime-tools, built' >&2; exit 2; }
	@tests/validation/run.sh --conformance docs/conformance.md "$(SUITE)"

bench: $(RELEASE)/build.ninja
	@cmake/packages.sh build bench
	@$(call compile,release,all)
	@$(RELEASE)/tests/bench/bench $(BENCH_ARGS)

lint:
	@cmake/packages.sh build lint
	@$(MAKE) --no-print-directory build/clang/build.ninja
	@tests/run.sh build/clang layers size format tidy

# Who can't install scdoc gets everything but the man pages.
install: build
	@cmake/packages.sh doc || echo 'make install: without scdoc there are no man pages' >&2
	@! grep -q '^SCDOC.*NOTFOUND' $(RELEASE)/CMakeCache.txt || cmake --preset release >build/configure-release.log
	@$(call compile,release,ocx man completion)
	@DESTDIR='$(DESTDIR)' cmake --install $(RELEASE) --prefix '$(PREFIX)'

# CMake once more: the version and the date of the pages are those of the commit.
deb: $(RELEASE)/build.ninja
	@cmake/packages.sh build deb
	@cmake --preset release >build/configure-release.log || { cat build/configure-release.log; exit 1; }
	@$(call compile,release,ocx man completion bundles)
	@cmake/deb/build.sh $(RELEASE)

test-package: deb
	@cmake/packages.sh package
	@tests/run.sh $(RELEASE) package

clean:
	rm -rf build bundles/*/rootfs
