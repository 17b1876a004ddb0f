# How sqlite-art is built, shown and checked. GNU make.
#
#   make              art.so, from core/ and ext/; make static: libart.a, for programs that link it in (ext/art.h says how)
#   make demo         installs what is missing, builds, and shows sql/tour.sql beside an ordinary table, with this machine's paths
#   make check        installs what is missing, then builds and tests what a change can break: seven minutes on two cores
#   make check-all    everything that has to hold, in every build: 35 minutes (.ci/check lists it)
#   make test         the test programs in the build that the options choose; TESTS="test_io" for some (tests/README.md)
#   make tidy         format, layers, lengths, the one exported symbol, static analysis; make format writes the format
#   make install      into $(DESTDIR)$(PREFIX); make uninstall; make amalgamation: all of it in one file
#   make deb, wheel, npm, gem, crate, gomod: packages of Debian, Python, Node.js, Ruby, Rust, Go; make dist: all that a release has
#   make try          build/try/index.html: SQLite and art in one page for a browser, which browses a listing that is dropped on it
#   make clean
#
#   make bench, bench-age, bench-spellings    tests/bench/run has more
#   make nightly, soak, repeat, mutants, fuzz, coverage, valgrind    tests/README.md; tests/prove has what takes hours
#   make check-bindings, check-orms, check-programs, check-dqlite, check-sqld, check-packaging, check-platforms
#                                             parts of check-all, in full (tests/clients)
#
# Options, each with a build directory of its own, build/<variant>, so that they live side by side: CC=gcc|clang; URING=0 without
# liburing, all I/O by pread and pwrite; LIMITS=small, whose limits a few rows reach (core/base/limits.h); PORTABLE=1 without files of
# our own, as other systems have it; SANITIZE=address (and UBSan), SANITIZE=thread; CC=aarch64-linux-gnu-gcc, with OBJCOPY=. Others:
# ARCH= for x86-64 processors older than x86-64-v2 (2009); PREFIX=/usr/local, LIBDIR, DESTDIR. Assertions, and the hooks of tests
# (core/tree/state/hooks.h), are compiled into all of these builds, which are for tests, and not into what is given out: that is
# SHIPPED=1, build/shipped, which `make` (./art.so), install and the benchmarks choose themselves.

CC       = gcc
OBJCOPY  = objcopy
URING    = 1
SANITIZE =
PORTABLE =
SHIPPED  =
LIMITS   =
PREFIX   = /usr/local
LIBDIR   = $(PREFIX)/lib
LOADABLEDIR = $(LIBDIR)/sqlite-art
PACKAGING ?= all
PLATFORMS ?= all
DESTDIR  =
BINDINGS   ?= all
ORMS       ?= all
CLUSTER_OPTIONS ?= storage=inline
MUTANTS     =
VALGRIND = all
FUZZ_SECONDS = 60
FUZZ_TARGETS =

# None of make's own rules are used here, and looking through them takes longer than all else where nothing is to be built. Not by a
# flag, which other projects' builds would inherit.
.SUFFIXES:
%: %,v
%: RCS/%,v
%: RCS/%
%: s.%
%: SCCS/s.%

# ---- variants ----

COMPILER := $(patsubst %-linux-gnu-gcc,%,$(notdir $(firstword $(CC))))
VARIANT := $(if $(SANITIZE),$(SANITIZE),$(if $(SHIPPED),shipped,$(if $(LIMITS),$(LIMITS),release)))$(if $(SANITIZE),$(LIMITS:%=-%))$(if $(filter gcc cc,$(COMPILER)),,-$(COMPILER))$(if $(PORTABLE),-portable,$(if $(filter 0,$(URING)),-nouring))
BUILD   := build/$(VARIANT)

# As is given out; what only some tests run with is compiled more quickly.
CFLAGS   = $(if $(SHIPPED)$(URING_FLAGS),-O2,-O1) -g
WARNINGS = -Wall -Wextra -Werror
ARCH    := $(if $(filter x86_64-%,$(shell $(CC) -dumpmachine)),-march=x86-64-v2)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -fPIC -fvisibility=hidden $(ARCH) $(CFLAGS) $(WARNINGS) $(SANITIZE_FLAGS) $(URING_FLAGS) $(if $(SHIPPED),-DNDEBUG,-DART_TEST_HOOKS)$(if $(LIMITS), -DART_SMALL_LIMITS)

# A sanitizer names lines, not variables.
ifeq ($(SANITIZE),address)
SANITIZE_FLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g1
else ifeq ($(SANITIZE),thread)
SANITIZE_FLAGS = -fsanitize=thread -O1 -g1
else ifeq ($(SANITIZE),fuzz)
SANITIZE_FLAGS = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g1
else ifeq ($(SANITIZE),coverage)
SANITIZE_FLAGS = -fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic -mllvm -runtime-counter-relocation -O1 -DNDEBUG
WARNINGS = -Wall -Wextra -Werror -Wno-unused -Wno-unused-command-line-argument
else ifneq ($(SANITIZE),)
$(error SANITIZE is address, thread, fuzz or coverage)
endif

ifeq ($(filter 0,$(URING))$(PORTABLE),)
URING_FLAGS = -DART_HAVE_URING
URING_LIBS  = -luring
endif

# The version is said in one place. Which commit it is, only what tells it is compiled with, anew when it has changed.
VERSION := $(shell sed -n 's/^\#define ART_VERSION "\(.*\)"/\1/p' ext/art.h)
COMMIT  := $(shell .packaging/commit)

# ---- sources ----

# Of two folders one answers what core/base/platform.h asks; of memory, core/portable/posix.c in both cases.
ALL_CORE := $(sort $(wildcard core/*/*.c core/*/*/*.c))
CORE    := $(filter-out $(if $(PORTABLE),core/linux/%,core/portable/no_files.c core/portable/windows.c),$(ALL_CORE))
EXT     := $(sort $(wildcard ext/*.c ext/*/*.c))
SUPPORT := $(sort $(filter-out tests/support/watch.c,$(wildcard tests/support/*.c)))
# A program is one file, in the folder that says what it is about; built, all of them lie in $(BUILD)/tests. tests/manifest says
# what each runs with.
in_folders = $(wildcard $(addprefix tests/*/,$(1)) $(addprefix tests/*/*/,$(1)))
name = $(basename $(notdir $(1)))
PROGRAMS    := $(sort $(call in_folders,test_*.c bench_*.c))
TEST_NAMES  := $(sort $(call name,$(call in_folders,test_*.c)))
BENCH_NAMES := $(sort $(call name,$(call in_folders,bench_*.c)))
FUZZ_NAMES  := $(sort $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
TEST_SCRIPTS := $(sort $(call name,$(call in_folders,test_*.sh)))
TESTS   = $(TEST_NAMES) $(TEST_SCRIPTS)

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
TEST_LIBS = -Wl,--wrap=_mark_point -lcheck -lsubunit -lsqlite3 -lm -lrt -lpthread -ldl $(URING_LIBS)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all library static programs test-programs fuzz-programs test demo check check-all check-bindings check-orms check-programs check-dqlite check-sqld check-packaging check-platforms
.PHONY: nightly soak repeat mutants coverage valgrind tidy format bench bench-age bench-search bench-spellings fuzz clean help FORCE
.PHONY: amalgamation install uninstall deb binaries wheel npm gem crate gomod dist try

all:
help:
	@sed -n '/^$$/q; s/^#$$//p; s/^# //p' $(firstword $(MAKEFILE_LIST))

ifeq ($(SHIPPED)$(SANITIZE)$(LIMITS),)
all install bench bench-age bench-search bench-spellings:
	@$(MAKE) --no-print-directory SHIPPED=1 $@
library: $(BUILD)/art.so
else ifneq ($(LIMITS),)
all: library
library: $(BUILD)/art.so
else
all: library
	@cmp -s $(BUILD)/art.so art.so || { cp $(BUILD)/art.so art.so.new && mv art.so.new art.so; }
library: $(BUILD)/art.so
endif

# Only the entry point is visible; everything else is hidden (-fvisibility=hidden), so that two copies of core in one
# process (a test program and the extension it loads) never mix.
$(BUILD)/art.so: $(call object,$(EXT) $(CORE))
	$(CC) $(ALL_CFLAGS) -shared -Wl,-z,defs -Wl,-z,nodelete -o $@.new $^ $(SHARED_LIBS) $(URING_LIBS) -lm -lpthread $(LDFLAGS)
	@mv $@.new $@

# The sanitizers' own symbols come from the program that loads the extension.
ifneq ($(SANITIZE),)
$(BUILD)/art.so: SHARED_LIBS = -Wl,-z,undefs
endif

# The same as one object for programs that link it in. ext calls SQLite directly there, and every name but the entry
# point becomes the object's own, so that none can meet one of the program's.
static: $(BUILD)/libart.a
$(BUILD)/libart.a: $(BUILD)/static/art.o
$(BUILD)/static/art.o: $(patsubst %.c,$(BUILD)/static/%.o,$(EXT)) $(call object,$(CORE))
	$(CC) -r -nostdlib -o $@.new $^
	$(OBJCOPY) --localize-hidden $@.new $@ && rm $@.new
$(BUILD)/static/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(COMMIT_FLAGS) -DSQLITE_CORE -MMD -MP -c -o $@ $<

$(BUILD)/core.a: $(call object,$(CORE))
$(BUILD)/support.a: $(call object,$(SUPPORT))
$(BUILD)/ext.a: $(patsubst %.c,$(BUILD)/static/%.o,$(EXT))
$(BUILD)/%.a:
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(COMMIT_FLAGS) -MMD -MP -c -o $@ $<

TELLS_COMMIT = $(call object,ext/admin/functions.c) $(BUILD)/static/ext/admin/functions.o
$(TELLS_COMMIT): COMMIT_FLAGS = -DART_COMMIT='"$(word 1,$(COMMIT))"' -DART_COMMIT_DATE='"$(word 2,$(COMMIT))"'
$(TELLS_COMMIT): $(BUILD)/commit
# What git does not say now (to root, in somebody else's clone), it has said when this was compiled.
$(BUILD)/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || { [ '$(firstword $(COMMIT))' = unknown ] && [ -e $@ ]; } || echo '$(COMMIT)' > $@

# Other flags than last time: everything is built anew. The first time: what to install, instead of a compiler's error.
HEADERS = sqlite3ext.h=libsqlite3-dev xxhash.h=libxxhash-dev $(if $(URING_LIBS),liburing.h=liburing-dev)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@[ -s $@ ] || for need in $(HEADERS); do \
		echo "#include <$${need%=*}>" | $(CC) $(CFLAGS) -E -x c - >/dev/null 2>&1 && continue; \
		echo "art.so needs <$${need%=*}>. Debian: apt-get install $${need#*=}$$([ $$need != liburing.h=liburing-dev ] || echo ' (or: make URING=0)')" >&2; \
		exit 1; \
	done
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

-include $(patsubst %.c,$(BUILD)/static/%.d,$(EXT)) $(patsubst %.o,%.d,$(call object,$(CORE) $(EXT) $(SUPPORT) $(PROGRAMS) $(wildcard tests/support/watch.c tests/fuzz/*.c tests/bench/*.c tests/clients/cluster/*.c)))

# ---- tests and benchmarks: one program a file, linked with what it uses of core, ext and tests/support ----

$(foreach source,$(PROGRAMS),$(eval $(BUILD)/tests/$(call name,$(source)): $(call object,$(source))))
$(addprefix $(BUILD)/tests/,$(TEST_NAMES) $(BENCH_NAMES)): $(BUILD)/support.a $(BUILD)/core.a $(BUILD)/ext.a
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(BUILD)/support.a $(BUILD)/ext.a $(BUILD)/core.a -Wl,--end-group -Wl,--as-needed $(TEST_LIBS) $(LDFLAGS)

# A program's own file is quickly compiled: what takes time is in core, ext and tests/support.
$(call object,$(filter-out tests/bench/%,$(PROGRAMS))): private SANITIZE_FLAGS += -O0

# What of the C library has one of the tests' own before it; core's functions have hooks (core/tree/state/hooks.h).
$(addprefix $(BUILD)/tests/,test_kill test_slots test_slot_readers test_threads): $(BUILD)/tests/support/watch.o
$(BUILD)/tests/test_locks: TEST_LIBS += -Wl,--wrap=pthread_mutex_lock -Wl,--wrap=pthread_mutex_trylock
$(BUILD)/tests/test_actors: TEST_LIBS += -Wl,--wrap=pthread_mutex_lock

# Fuzz targets (SANITIZE=fuzz CC=clang): the same with libFuzzer's main.
FUZZ_SHARED = $(call object,tests/fuzz/parcel.c)
$(addprefix $(BUILD)/tests/fuzz/,$(FUZZ_NAMES)): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_SHARED) $(BUILD)/support.a $(BUILD)/core.a $(BUILD)/ext.a
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -Wl,--as-needed $(TEST_LIBS) $(LDFLAGS)
$(addprefix $(BUILD)/tests/fuzz/,fuzz_blob fuzz_store fuzz_salvage fuzz_redo fuzz_shadow): $(call object,tests/fuzz/parcel_mutate.c)
$(addprefix $(BUILD)/tests/fuzz/,fuzz_store fuzz_salvage): $(call object,tests/fuzz/hosted_store.c)
fuzz-programs: $(addprefix $(BUILD)/tests/fuzz/,$(FUZZ_NAMES))

# The bench, with those peers that are on this machine (tests/bench/peers.h finds them by the same signs).
BENCH_OBJECTS = $(call object,$(sort $(filter-out tests/bench/bench_%,$(wildcard tests/bench/*.c))))
BENCH_LIBS = $(if $(wildcard /usr/include/lmdb.h),-llmdb) $(if $(wildcard /usr/include/rocksdb/c.h),-lrocksdb) \
             $(if $(wildcard /usr/include/leveldb/c.h),-lleveldb)
$(BENCH_OBJECTS): $(BUILD)/tests/bench/peers
$(BUILD)/tests/bench/peers: FORCE
	@mkdir -p $(@D)
	@echo '$(BENCH_LIBS)' | cmp -s - $@ || echo '$(BENCH_LIBS)' > $@
$(BUILD)/tests/bench/bench: $(BENCH_OBJECTS) $(BUILD)/support.a $(BUILD)/core.a
	$(CC) $(ALL_CFLAGS) -o $@ $(BENCH_OBJECTS) $(BUILD)/support.a $(BUILD)/core.a $(BENCH_LIBS) -Wl,--as-needed $(TEST_LIBS) $(LDFLAGS)

$(BUILD)/tests/bench_measure: $(filter-out $(call object,tests/bench/bench.c),$(BENCH_OBJECTS))
$(BUILD)/tests/bench_measure: TEST_LIBS += $(BENCH_LIBS)
$(BUILD)/tests/bench_everyday: $(call object,tests/bench/files.c)

# A node of tests/clients/cluster, which links the extension in.
$(BUILD)/tests/clients/cluster/node: $(call object,$(wildcard tests/clients/cluster/*.c)) $(BUILD)/libart.a
	$(CC) $(ALL_CFLAGS) -o $@ $^ -ldqlite -lsqlite3 $(URING_LIBS) -lpthread -lm $(LDFLAGS)

test-programs: library $(addprefix $(BUILD)/tests/,$(TEST_NAMES) bench/bench bench_measure bench_everyday)
programs: test-programs $(addprefix $(BUILD)/tests/,$(BENCH_NAMES))

test: library $(addprefix $(BUILD)/tests/,$(filter-out $(TEST_SCRIPTS),$(TESTS)) $(if $(filter test_bench,$(TESTS)),bench/bench bench_measure) $(if $(filter test_everyday,$(TESTS)),bench_everyday))
	@$(if $(filter test_everyday,$(TESTS)),$(MAKE) --no-print-directory -s SANITIZE= SHIPPED=1 library)
	@.ci/test $(BUILD) $(TESTS)

check:
	@.ci/deps check
	@.ci/check

nightly:
	@.ci/deps check
	@.ci/nightly $(NIGHT)

check-all:
	@.ci/deps check
	@.ci/check all

soak:
	@.ci/deps check
	@.ci/soak

repeat: library $(addprefix $(BUILD)/tests/,$(REPEAT_TESTS))
	@REPEAT_BUILD=$(BUILD) REPEAT_TESTS="$(REPEAT_TESTS)" .ci/repeat

coverage:
	@.ci/deps coverage
	@.ci/coverage

valgrind:
	@.ci/deps valgrind
	@.ci/valgrind $(VALGRIND)

tidy:
	@.ci/deps tidy
	@$(MAKE) --no-print-directory library static
	@.ci/tidy $(wildcard $(BUILD)/art.so $(BUILD)/libart.a)

format:
	clang-format -i $(shell find core ext tests -name "*.[ch]")

check-bindings:
	@.ci/deps build
	@$(MAKE) -s -j2 library static
	@ART_EXTENSION=$(BUILD)/art.so ART_STATIC=$(BUILD)/libart.a ART_LIBS="$(URING_LIBS) -lpthread -lm" tests/clients/bindings/run $(BINDINGS)

check-orms:
	@.ci/deps build
	@$(MAKE) --no-print-directory -j2 library
	@ART_EXTENSION=$(BUILD)/art.so tests/clients/orm/run $(ORMS)

check-programs:
	@.ci/deps build
	@$(MAKE) --no-print-directory -j2 library
	@ART_EXTENSION=$(BUILD)/art.so tests/clients/programs/run $(PROGRAMS_OF_OTHERS)

check-dqlite check-sqld:
	@.ci/deps build
	@CLUSTER_OPTIONS="$(CLUSTER_OPTIONS)" tests/clients/cluster/run $(BUILD) $(@:check-%=%)

mutants:
	@.ci/deps check
	@tests/mutants/run $(MUTANTS)

demo:
	@.ci/deps demo
	@[ -e art.so ] || echo "== compiling art.so, which takes half a minute"
	@$(MAKE) -s --no-print-directory -j2 all
	@sql/demo.sh

ifneq ($(SHIPPED)$(SANITIZE),)
bench:
	@.ci/deps build
	@BENCH_BUILD=$(BUILD) tests/bench/run

bench-age bench-search bench-spellings:
	@BENCH_BUILD=$(BUILD) tests/bench/run $(@:bench-%=%)
endif

fuzz:
	@.ci/deps check
	@tests/fuzz/run fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# ---- packages ----

amalgamation:
	@.ci/deps build
	@CC=$(CC) .packaging/amalgamate build/amalgamation $(ALL_CORE) $(EXT)

check-packaging:
	@.ci/deps build
	@tests/clients/packaging/run $(PACKAGING)

check-platforms:
	@.ci/deps build
	@tests/clients/platforms/run $(PLATFORMS)

DOCDIR     = $(PREFIX)/share/doc/sqlite-art
INCLUDEDIR = $(PREFIX)/include/sqlite-art
SQL_FILES  = $(wildcard sql/*.sql sql/*.md) sql/du.sh sql/sync.py sql/sync.mjs

ifneq ($(SHIPPED)$(SANITIZE),)
install: all static
	install -d $(addprefix $(DESTDIR),$(LOADABLEDIR) $(LIBDIR)/sqlite-art $(LIBDIR)/pkgconfig $(INCLUDEDIR) $(DOCDIR)/sql)
# Programs have it mapped: it is renamed into place.
	install -m 755 art.so $(DESTDIR)$(LOADABLEDIR)/art.so.new && mv -f $(DESTDIR)$(LOADABLEDIR)/art.so.new $(DESTDIR)$(LOADABLEDIR)/art.so
	install -m 644 $(BUILD)/libart.a $(DESTDIR)$(LIBDIR)/sqlite-art/libart.a
	install -m 644 ext/art.h $(DESTDIR)$(INCLUDEDIR)/art.h
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@LOADABLEDIR@|$(LOADABLEDIR)|; s|@VERSION@|$(VERSION)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@LIBS@|$(strip $(URING_LIBS) -lpthread -lm)|' .packaging/sqlite-art.pc.in \
		> $(BUILD)/sqlite-art.pc
	install -m 644 $(BUILD)/sqlite-art.pc $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 644 README.md LICENSE .packaging/NOTICES $(DESTDIR)$(DOCDIR)
	install -m 644 $(SQL_FILES) $(DESTDIR)$(DOCDIR)/sql
	chmod 755 $(DESTDIR)$(DOCDIR)/sql/du.sh
endif

uninstall:
	rm -f $(addprefix $(DESTDIR),$(LOADABLEDIR)/art.so $(LIBDIR)/sqlite-art/libart.a $(LIBDIR)/pkgconfig/sqlite-art.pc)
	rm -f $(DESTDIR)$(INCLUDEDIR)/art.h $(addprefix $(DESTDIR)$(DOCDIR)/,README.md LICENSE NOTICES $(SQL_FILES))
	-rmdir $(addprefix $(DESTDIR),$(LIBDIR)/sqlite-art $(INCLUDEDIR) $(DOCDIR)/sql $(DOCDIR))

deb:
	@.ci/deps build
	@command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null || .ci/deps packages "make deb" dpkg-dev debhelper pkg-config
	@.packaging/deb $(VERSION) build/deb

# The binaries that packages carry: this machine's, and those of each platform that lies there already, as new as their sources.
# BINARIES=all: those of all platforms that .packaging/platform can build here.
BINARIES  = linux-$(shell uname -m)-gnu $(patsubst build/platforms/%/,%,$(dir $(wildcard $(addprefix build/platforms/*/art.,so dll wasm))))
PACKED    = $(ALL_CORE) $(EXT) $(wildcard ext/*.h ext/*/*.h core/*/*.h core/*/*/*.h) $(BUILD)/commit .packaging/amalgamate .packaging/platform
PLATFORM_FILES = $(shell sed -nE 's|^([a-z][^ ]*) +([^ ]+) .*|\1/\2|p' .packaging/platforms)
binaries: $(addprefix build/platforms/,$(if $(filter all,$(BINARIES)),$(filter $(addsuffix /%,$(shell .packaging/platform list)),$(PLATFORM_FILES)),\
	$(filter $(addsuffix /%,$(BINARIES)),$(PLATFORM_FILES))))
$(addprefix build/platforms/,$(PLATFORM_FILES)): $(PACKED)
	@.ci/deps build
	@.packaging/platform build $(notdir $(@D)) $(@D)
build/platforms/wasm32/art.wasm: .packaging/wasm/exports .packaging/wasm/module.c

# Where the project says that it lives: Go's name for the module, gems and sqlpkg.json have it.
HOMEPAGE ?= https://example.org/sqlite-art
PACKER = [ -x /usr/bin/python3 ] || .ci/deps packages "packages" python3

wheel: binaries
	@$(PACKER)
	@.packaging/wheel $(VERSION) build/wheel

npm: binaries
	@$(PACKER)
	@.packaging/npm/pack $(VERSION) build/npm

gem: binaries
	@$(PACKER)
	@command -v gem >/dev/null || .ci/deps packages "make gem" ruby
	@.packaging/gem/pack $(VERSION) $(HOMEPAGE) build/gem

crate:
	@.ci/deps build && $(PACKER)
	@CC=$(CC) .packaging/crate/pack $(VERSION) build/crate $(ALL_CORE) $(EXT)

gomod:
	@.ci/deps build && $(PACKER)
	@CC=$(CC) .packaging/go/pack $(VERSION) $(HOMEPAGE:https://%=%) build/gomod $(ALL_CORE) $(EXT)

# One page with SQLite, art and all that it needs in it.
try: build/platforms/wasm32/art.wasm
	@$(PACKER)
	@.packaging/try/make $(VERSION) build/try

# All of it in one folder, with checksums; DIST="wheel npm" for some. DIST_URL: where sqlpkg finds that folder.
DIST = deb wheel crate gomod gem npm
dist: amalgamation binaries $(DIST)
	@DIST_URL=$(DIST_URL) .packaging/dist $(VERSION) $(HOMEPAGE) build/dist $(DIST)

clean:
	rm -rf build art.so
