# How sqlite-art is built, shown and checked. GNU make.
#
#   make              art.so, from core/ and ext/
#   make help         this list
#   make demo         installs what is missing, builds, and walks through sql/tour.sql with the paths of this machine
#   make check        installs what is missing, then builds and tests what a change can break: five minutes on two cores
#   make check-all    everything that has to hold, in every build: 35 minutes (.ci/check lists it)
#   make static       build/release/libart.a for programs that link art in; ext/art.h says how
#   make check-bindings  the examples of tests/clients/bindings, in every language; BINDINGS="python c" for some
#   make check-orms   the recipes and tests of tests/clients/orm: SQLAlchemy, Django, peewee, sqlite-utils; ORMS="django" for
#                     some
#   make check-dqlite an art table in a cluster of three dqlite nodes on this machine; check-sqld: in a primary and two replicas of
#                     libSQL's server (tests/clients/cluster). CLUSTER_OPTIONS are the table's options
#   make test         the test programs once, in the build that the options below choose; TESTS="test_io" for some of them
#   make soak         the random test programs with fresh seeds, in all builds, for SOAK_MINUTES=60; ends at the first failure with the
#                     line that repeats it (make check draws the same seeds each time). SOAK_BUILDS, SOAK_TESTS for some
#   make repeat       the programs of REPEAT_TESTS="test_pool test_slots" REPEAT_TIMES=200 times each, with fresh seeds, in the build
#                     that the options below choose: for tests that go by how processes and threads are scheduled
#   make mutants      deliberate defects, one at a time, each of which the tests must notice; MUTANTS="name name" for some,
#                     MUTANTS=slice for those of `make check-all` (tests/README.md)
#   make bench        art beside an ordinary table, LMDB, RocksDB, lsm1 and its own core (tests/bench/README.md):
#                     BENCH_SIZES="20000 100000", BENCH_SETS=obj,fs,hex,real; bench-large adds 10 million keys to the figures,
#                     bench-report draws them as one page, build/bench/report.html
#   make bench-profile  where the instructions of single operations go, by valgrind: PROFILED="get put", PROFILED_KEYS=100000
#   make bench-core   core without SQLite, part by part; bench-queries: queries that an ordinary table answers by walking;
#                     bench-summaries: sums, the largest, what changed, rows by a value; bench-spellings: one prefix in all the
#                     ways of SQL, SPELLINGS="-s real 30000 1000000"; bench-statements: opening, many rows or
#                     tables in one statement or transaction, joins; bench-age: size and time while rows turn over again
#                     and again, drawn in build/bench/age.svg
#   make fuzz         hostile bytes: each target of tests/fuzz for FUZZ_SECONDS=60, two at a time; FUZZ_TARGETS="fuzz_blob" for
#                     some. make fuzz-merge keeps what it has found, make fuzz-seeds makes the seeds anew
#   make prove        what takes longer: prove-memory (5 million keys in one transaction, and what that costs in memory),
#                     prove-model (the differential model test for PROVE_MINUTES=10, or PROVE_STATEMENTS),
#                     prove-summaries (the model of sums, extremes, changes and lookups: PROVE_SUMMARIES=200000 statements on
#                     each of both versions of SQLite, and a quarter as many of each of its parts),
#                     prove-ownership (the model test of whose an .art file is: PROVE_SEQUENCES=100000 histories of files),
#                     prove-mirror (three connections and two tables written alike: PROVE_MIRROR=100 times what CI does),
#                     prove-crash (PROVE_CRASH_STATES=1000000),
#                     prove-kill (PROVE_KILLS=100000, a quarter more on the newer SQLite),
#                     prove-backup (art_backup() under a write load, PROVE_COPIES=100, one a second, in WAL mode and without),
#                     prove-snapshots (for PROVE_SNAPSHOT_MINUTES=10 in WAL mode and as many with a rollback journal),
#                     prove-faults (every call of the system and of SQLite's VFS, and memory, made to fail: about an hour),
#                     prove-fuzz (PROVE_FUZZ_SECONDS=3600 a target, and every bit of a small file turned over through SQL),
#                     valgrind
#   make coverage     lines and branches of core/ and ext/ that the tests reach (tests/coverage.md)
#   make valgrind     the test programs under memcheck; VALGRIND=slice for some, VALGRIND="test_blob" for these
#   make tidy         format, layering, lengths, the one exported symbol, the manifest of the tests, static analysis
#   make format       lets clang-format write what `make tidy` wants to see
#   make amalgamation build/amalgamation/art.c and art.h: all of it in one file, to be compiled by one line (at its head)
#   make install      art.so and libart.a into $(DESTDIR)$(PREFIX)/lib/sqlite-art, art.h into .../include/sqlite-art,
#                     sqlite-art.pc for pkg-config, README and sql/ into .../share/doc/sqlite-art; make uninstall
#   make deb          build/deb/*.deb, packages of Debian: libsqlite3-mod-art for `.load art`, and a -dev with libart.a
#   make npm          build/npm/*.tgz, packages of npm: sqlite-art, and this machine's binary
#   make check-packaging  these four, built, installed somewhere and used; PACKAGING="deb npm" for some
#   make clean
#
# Options, each with a build directory of its own, so that they live side by side:
#
#   CC=gcc|clang      the compiler
#   URING=0           without liburing: all I/O by pread and pwrite
#   SANITIZE=address  AddressSanitizer and UBSan; SANITIZE=thread: ThreadSanitizer
#
# Others: ARCH= for x86-64 processors older than x86-64-v2 (2009); PREFIX=/usr/local, LIBDIR and DESTDIR for `make install`;
# BENCH_DIR and BENCH_OPTIONS (tests/bench/README.md).
#
# Objects go to build/<variant>/, the extension to build/<variant>/art.so; `make` alone copies it to ./art.so.

CC       = gcc
URING    = 1
SANITIZE =
PREFIX   = /usr/local
LIBDIR   = $(PREFIX)/lib
LOADABLEDIR = $(LIBDIR)/sqlite-art
PACKAGING ?= all
DESTDIR  =
BENCH_SIZES = 1000000
BENCH_SETS  = obj,real
PROFILED    = get get-alone list level scan-all put
PROFILED_KEYS = 100000
BINDINGS   ?= all
ORMS       ?= all
CLUSTER_OPTIONS ?= storage=inline
MUTANTS     =
PROVE_MINUTES = 10
PROVE_STATEMENTS = 0
PROVE_SUMMARIES = 200000
VALGRIND = all
PROVE_SEQUENCES = 100000
PROVE_MIRROR = 100
PROVE_KILLS = 100000
PROVE_COPIES = 100
PROVE_CRASH_STATES = 1000000
PROVE_SNAPSHOT_MINUTES = 10
FUZZ_SECONDS = 60
FUZZ_TARGETS =
PROVE_FUZZ_SECONDS = 3600

# ---- variants ----

COMPILER := $(notdir $(firstword $(CC)))
VARIANT := $(if $(SANITIZE),$(SANITIZE),release)$(if $(filter gcc cc,$(COMPILER)),,-$(COMPILER))$(if $(filter 0,$(URING)),-nouring)
BUILD   := build/$(VARIANT)

CFLAGS   = -O2 -g
WARNINGS = -Wall -Wextra -Werror
ARCH    := $(if $(filter x86_64,$(shell uname -m)),-march=x86-64-v2)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -fPIC -fvisibility=hidden $(ARCH) $(CFLAGS) $(WARNINGS) $(SANITIZE_FLAGS) $(URING_FLAGS)

ifeq ($(SANITIZE),address)
SANITIZE_FLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1
else ifeq ($(SANITIZE),thread)
SANITIZE_FLAGS = -fsanitize=thread -O1
else ifeq ($(SANITIZE),fuzz)
SANITIZE_FLAGS = -DART_FUZZ -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1
else ifeq ($(SANITIZE),coverage)
SANITIZE_FLAGS = -fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic -mllvm -runtime-counter-relocation -O1 -DNDEBUG
WARNINGS = -Wall -Wextra -Werror -Wno-unused -Wno-unused-command-line-argument
else ifneq ($(SANITIZE),)
$(error SANITIZE is address, thread, fuzz or coverage)
endif

ifneq ($(URING),0)
URING_FLAGS = -DART_HAVE_URING
URING_LIBS  = -luring
endif

# The version is said in one place. Which commit it is, only what tells it is compiled with, anew when it has changed.
VERSION := $(shell sed -n 's/^\#define ART_VERSION "\(.*\)"/\1/p' ext/art.h)
COMMIT  := $(shell .packaging/commit)

# ---- sources ----

CORE    := $(sort $(wildcard core/*/*.c core/*/*/*.c))
EXT     := $(sort $(wildcard ext/*.c ext/*/*.c))
SUPPORT := $(sort $(filter-out tests/support/watch.c,$(wildcard tests/support/*.c)))
# A program is one file, in the folder that says what it is about; built, all of them lie in $(BUILD)/tests. tests/manifest says
# what each runs with.
in_folders = $(wildcard $(addprefix tests/*/,$(1)) $(addprefix tests/*/*/,$(1)))
name = $(basename $(notdir $(1)))
PROGRAMS    := $(sort $(call in_folders,test_*.c bench_*.c prove_*.c))
TEST_NAMES  := $(sort $(call name,$(call in_folders,test_*.c)))
BENCH_NAMES := $(sort $(call name,$(call in_folders,bench_*.c prove_*.c)))
FUZZ_NAMES  := $(sort $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
TEST_SCRIPTS := $(sort $(call name,$(call in_folders,test_*.sh)))
TESTS   = $(TEST_NAMES) $(TEST_SCRIPTS)

comma := ,
object = $(patsubst %.c,$(BUILD)/%.o,$(1))
TEST_LIBS = -lcheck -lsubunit -lsqlite3 -lm -lrt -lpthread -ldl $(URING_LIBS)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all library static programs test-programs fuzz-programs test demo check check-bindings check-orms check-dqlite check-sqld mutants coverage valgrind tidy format
.PHONY: bench bench-large bench-report bench-queries bench-summaries bench-spellings bench-statements bench-age bench-core fuzz fuzz-merge fuzz-seeds install clean deps-build FORCE
.PHONY: prove prove-memory prove-model prove-summaries prove-ownership prove-mirror prove-crash prove-kill prove-backup prove-snapshots prove-faults prove-fuzz
.PHONY: amalgamation uninstall deb npm check-packaging

all:
.PHONY: help
help:
	@sed -n '/^$$/q; s/^#$$//p; s/^# //p' $(firstword $(MAKEFILE_LIST))

ifeq ($(EXT),)
all:
	@echo "There is no ext/*.c yet, so there is no art.so to build. The tests of core: make test"
library:
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
	objcopy --localize-hidden $@.new $@ && rm $@.new
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

# Other flags than last time: everything is built anew.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@

-include $(patsubst %.c,$(BUILD)/static/%.d,$(EXT)) $(patsubst %.o,%.d,$(call object,$(CORE) $(EXT) $(SUPPORT) $(PROGRAMS) $(wildcard tests/support/watch.c tests/fuzz/*.c tests/bench/*.c tests/clients/cluster/*.c)))

# ---- tests and benchmarks: one program a file, linked with what it uses of core, ext and tests/support ----

$(foreach source,$(PROGRAMS),$(eval $(BUILD)/tests/$(call name,$(source)): $(call object,$(source))))
$(addprefix $(BUILD)/tests/,$(TEST_NAMES) $(BENCH_NAMES)): $(BUILD)/support.a $(BUILD)/core.a $(BUILD)/ext.a
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(BUILD)/support.a $(BUILD)/ext.a $(BUILD)/core.a -Wl,--end-group -Wl,--as-needed $(TEST_LIBS) $(LDFLAGS)

# Their calls of these functions of core go through tests/support/watch.c, which also stands before the C library's syncs.
WATCHED = test_kill test_slot_readers test_snapshots test_threads prove_kill prove_snapshots
WATCH_WRAPS = art_compact_flush art_compact_merge art_compact_all art_tree_resummarise art_tree_spill art_vacuum art_slots_take
$(addprefix $(BUILD)/tests/,$(WATCHED)): TEST_LIBS += $(addprefix -Wl$(comma)--wrap=,$(WATCH_WRAPS))
$(addprefix $(BUILD)/tests/,$(WATCHED)): $(BUILD)/tests/support/watch.o

$(BUILD)/tests/test_partial: TEST_LIBS += -Wl,--wrap=art_compact_merge
$(BUILD)/tests/test_walk: TEST_LIBS += $(addprefix -Wl$(comma)--wrap=,art_store_readahead_start art_store_readahead_end art_run_skip art_run_seek_ge art_run_seek_le)
$(BUILD)/tests/test_locks: TEST_LIBS += $(addprefix -Wl$(comma)--wrap=,pthread_mutex_lock pthread_mutex_trylock art_alloc art_alloc_zeroed art_resize art_cache_acquire)
$(BUILD)/tests/test_finger: TEST_LIBS += -Wl,--wrap=art_blob_child
$(BUILD)/tests/test_gaps: TEST_LIBS += $(addprefix -Wl$(comma)--wrap=,art_merge_step art_tree_select art_tree_rank art_tree_rank_above)
$(BUILD)/tests/test_check_rows: TEST_LIBS += -Wl,--wrap=art_compact_merge
$(BUILD)/tests/test_crash: TEST_LIBS += -Wl,--wrap=art_tree_open
# These compare with an ordinary table, with small blobs (tests/support/differential.h).
SUMMARY_MODELS = test_model_summaries test_sql_changed test_sql_lookup test_sql_resummarise test_sql_summary
$(addprefix $(BUILD)/tests/,$(SUMMARY_MODELS)): TEST_LIBS += -Wl,--wrap=art_tree_open
$(BUILD)/tests/test_bypass: TEST_LIBS += -Wl,--wrap=clock_gettime
$(BUILD)/tests/test_churn $(BUILD)/tests/test_log: TEST_LIBS += -Wl,--wrap=clock_gettime
$(BUILD)/tests/test_pauses: TEST_LIBS += -Wl,--wrap=clock_gettime -Wl,--wrap=art_compact_merge

# Fuzz targets (SANITIZE=fuzz CC=clang): the same with libFuzzer's main, but for the program that makes the seeds.
FUZZ_SHARED = $(call object,tests/fuzz/parcel.c)
$(addprefix $(BUILD)/tests/fuzz/,$(FUZZ_NAMES) seeds): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_SHARED) $(BUILD)/support.a $(BUILD)/core.a $(BUILD)/ext.a
	$(CC) $(ALL_CFLAGS) $(FUZZ_MAIN) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group -Wl,--as-needed $(TEST_LIBS) $(LDFLAGS)
$(addprefix $(BUILD)/tests/fuzz/,$(FUZZ_NAMES)): FUZZ_MAIN = -fsanitize=fuzzer
$(addprefix $(BUILD)/tests/fuzz/,fuzz_blob fuzz_store fuzz_salvage fuzz_redo fuzz_shadow): $(call object,tests/fuzz/parcel_mutate.c)
$(addprefix $(BUILD)/tests/fuzz/,fuzz_store fuzz_salvage): $(call object,tests/fuzz/hosted_store.c)
fuzz-programs: $(addprefix $(BUILD)/tests/fuzz/,$(FUZZ_NAMES) seeds)

# The bench, with those peers that are on this machine (tests/bench/peers.h finds them by the same signs).
BENCH_OBJECTS = $(call object,$(sort $(filter-out tests/bench/bench_%,$(wildcard tests/bench/*.c))))
BENCH_LIBS = $(if $(wildcard build/bench/lsm1/lsm.h),build/bench/lsm1/liblsm1.a) $(if $(wildcard /usr/include/lmdb.h),-llmdb) \
             $(if $(wildcard /usr/include/rocksdb/c.h),-lrocksdb)
BENCH_WRAPS = -Wl,--wrap=pthread_mutex_lock -Wl,--wrap=pthread_mutex_trylock
$(BENCH_OBJECTS): $(BUILD)/tests/bench/peers
$(BUILD)/tests/bench/peers: FORCE
	@mkdir -p $(@D)
	@echo '$(BENCH_LIBS)' | cmp -s - $@ || echo '$(BENCH_LIBS)' > $@
$(BUILD)/tests/bench/bench: $(BENCH_OBJECTS) $(BUILD)/support.a $(BUILD)/core.a
	$(CC) $(ALL_CFLAGS) -o $@ $(BENCH_OBJECTS) $(BUILD)/support.a $(BUILD)/core.a $(BENCH_LIBS) $(BENCH_WRAPS) -Wl,--as-needed $(TEST_LIBS) $(LDFLAGS)

$(BUILD)/tests/bench_summaries: $(filter-out $(call object,tests/bench/bench.c),$(BENCH_OBJECTS))
$(BUILD)/tests/bench_summaries: TEST_LIBS += $(BENCH_LIBS) $(BENCH_WRAPS)
$(BUILD)/tests/bench_spellings: $(call object,tests/bench/keys.c)

# The nodes of tests/clients/cluster, which link the extension in.
$(BUILD)/tests/clients/cluster/dqlite: $(call object,$(wildcard tests/clients/cluster/*.c)) $(BUILD)/libart.a
	$(CC) $(ALL_CFLAGS) -o $@ $^ -ldqlite -lsqlite3 $(URING_LIBS) -lpthread -lm $(LDFLAGS)

test-programs: library $(addprefix $(BUILD)/tests/,$(TEST_NAMES) bench/bench)
programs: test-programs $(addprefix $(BUILD)/tests/,$(BENCH_NAMES))

test: library $(addprefix $(BUILD)/tests/,$(filter-out $(TEST_SCRIPTS),$(TESTS)) $(if $(filter test_bench,$(TESTS)),bench/bench))
	@.ci/test $(BUILD) $(TESTS)

check:
	@.ci/deps check
	@.ci/check

.PHONY: check-all
check-all:
	@.ci/deps check
	@.ci/check all

.PHONY: soak repeat
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
	clang-format -i $(wildcard core/*/*.[ch] core/*/*/*.[ch] ext/*.[ch] ext/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])

check-bindings:
	@.ci/deps build
	@$(MAKE) -s -j2 library static
	@ART_EXTENSION=$(BUILD)/art.so ART_STATIC=$(BUILD)/libart.a ART_LIBS="$(URING_LIBS) -lpthread -lm" tests/clients/bindings/run $(BINDINGS)

check-orms:
	@.ci/deps build
	@$(MAKE) --no-print-directory -j2 library
	@ART_EXTENSION=$(BUILD)/art.so tests/clients/orm/run $(ORMS)

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

bench:
	@.ci/deps build
	@tests/bench/run $(BUILD) $(BENCH_SETS) "$(BENCH_SIZES)"

bench-large:
	@.ci/deps build
	@BENCH_APPEND=1 tests/bench/run $(BUILD) $(BENCH_SETS) 10000000

bench-report:
	@[ -s build/bench/results.csv ] || $(MAKE) --no-print-directory bench
	@tests/bench/report

.PHONY: bench-profile
bench-profile: library $(BUILD)/tests/bench/bench
	@tests/bench/profile $(BUILD) "$(PROFILED)" $(PROFILED_KEYS)

bench-queries: library $(BUILD)/tests/bench_queries
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/bench_queries $(lastword $(BENCH_SIZES))

bench-summaries: library $(BUILD)/tests/bench_summaries
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/bench_summaries $(lastword $(BENCH_SIZES))

bench-age: library $(BUILD)/tests/bench_age $(BUILD)/tests/bench_age_gaps
	@mkdir -p $(BUILD)/scratch build/bench
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/bench_age -d build/bench/age.tsv $(AGE)
	@tests/bench/plot-age build/bench/age.tsv build/bench/age.svg
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/bench_age_gaps

bench-spellings: library $(BUILD)/tests/bench_spellings
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/bench_spellings $(SPELLINGS)

bench-statements: library $(BUILD)/tests/bench_statements
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/bench_statements

bench-core: $(addprefix $(BUILD)/tests/,$(filter-out bench_queries bench_summaries bench_spellings bench_statements bench_age% prove_%,$(BENCH_NAMES)))
	@for program in $^; do echo "== $${program##*/}"; $$program || exit 1; done

prove-memory: library $(BUILD)/tests/prove_memory
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/prove_memory

prove-model: library $(BUILD)/tests/prove_model
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/prove_model $(PROVE_MINUTES) $(PROVE_STATEMENTS)

# Half of the model's statements with storage=inline.
prove-summaries: $(addprefix $(BUILD)/tests/,$(SUMMARY_MODELS))
	@mkdir -p $(BUILD)/scratch
	@prove() { TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_TABLE_OPTIONS=storage=$$2 ART_TEST_STATEMENTS=$$3 $(BUILD)/tests/$$1; }; \
	prove_all() { \
		for storage in file inline; do prove test_model_summaries $$storage $$(($(PROVE_SUMMARIES) / 2)) || return; done; \
		for program in $(filter-out test_model_summaries,$(SUMMARY_MODELS)); do \
			prove $$program file $$(($(PROVE_SUMMARIES) / 4)) || return; done; }; \
	prove_all || exit; \
	if .ci/sqlite-new; then export LD_LIBRARY_PATH="$(CURDIR)/build/sqlite-new"; prove_all; \
	else echo "SKIPPED: prove-summaries on the newer SQLite"; fi

prove-ownership: $(BUILD)/tests/test_ownership
	@mkdir -p $(BUILD)/scratch
	@left=$$(($(PROVE_SEQUENCES) / 2)); while [ $$left -gt 0 ]; do \
		TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_OWNERSHIP_SEQUENCES=$$((left < 4000 ? left : 4000)) ART_OWNERSHIP_TABLE=1 \
			$(BUILD)/tests/test_ownership || exit 1; left=$$((left - 4000)); done # Check cannot time what takes 35 minutes

prove-mirror: library $(BUILD)/tests/test_mirror
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so ART_TEST_SCALE=$(PROVE_MIRROR) $(BUILD)/tests/test_mirror

prove-crash: $(BUILD)/tests/test_crash
	@ART_CRASH_STATES=$(PROVE_CRASH_STATES) $(BUILD)/tests/test_crash

prove-kill: $(BUILD)/tests/prove_kill
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} $(BUILD)/tests/prove_kill $(PROVE_KILLS)
	@if .ci/sqlite-new; then \
		TMPDIR=$${TMPDIR:-$(BUILD)/scratch} LD_LIBRARY_PATH="$(CURDIR)/build/sqlite-new" $(BUILD)/tests/prove_kill $$(($(PROVE_KILLS) / 4)); \
	else echo "SKIPPED: prove-kill on the newer SQLite"; fi

prove-backup: library $(BUILD)/tests/test_sql_backup
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so CK_RUN_CASE=load ART_BACKUP_COPIES=$(PROVE_COPIES) \
		ART_BACKUP_EVERY=1 $(BUILD)/tests/test_sql_backup

prove-faults: library $(BUILD)/tests/prove_faults
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} ART_EXTENSION=$(BUILD)/art.so $(BUILD)/tests/prove_faults

prove-snapshots: $(BUILD)/tests/prove_snapshots
	@mkdir -p $(BUILD)/scratch
	@TMPDIR=$${TMPDIR:-$(BUILD)/scratch} $(BUILD)/tests/prove_snapshots $(PROVE_SNAPSHOT_MINUTES)

fuzz:
	@.ci/deps check
	@tests/fuzz/run fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-merge fuzz-seeds:
	@tests/fuzz/run $(@:fuzz-%=%) $(FUZZ_TARGETS)

prove-fuzz: $(BUILD)/tests/test_flips_sql
	@ART_TEST_SCALE=9 $<
	@tests/fuzz/run fuzz $(PROVE_FUZZ_SECONDS) $(FUZZ_TARGETS)

prove: prove-memory prove-model prove-summaries prove-ownership prove-mirror prove-crash prove-kill prove-backup prove-snapshots prove-faults prove-fuzz valgrind

# ---- packages ----

amalgamation:
	@.ci/deps build
	@CC=$(CC) .packaging/amalgamate build/amalgamation $(CORE) $(EXT)

check-packaging:
	@.ci/deps build
	@tests/clients/packaging/run $(PACKAGING)

DOCDIR     = $(PREFIX)/share/doc/sqlite-art
INCLUDEDIR = $(PREFIX)/include/sqlite-art

install: all static
	install -d $(addprefix $(DESTDIR),$(LOADABLEDIR) $(LIBDIR)/sqlite-art $(LIBDIR)/pkgconfig $(INCLUDEDIR) $(DOCDIR)/sql)
# Programs have it mapped: it is renamed into place.
	install -m 755 art.so $(DESTDIR)$(LOADABLEDIR)/art.so.new && mv -f $(DESTDIR)$(LOADABLEDIR)/art.so.new $(DESTDIR)$(LOADABLEDIR)/art.so
	install -m 644 $(BUILD)/libart.a $(DESTDIR)$(LIBDIR)/sqlite-art/libart.a
	install -m 644 ext/art.h $(DESTDIR)$(INCLUDEDIR)/art.h
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@LOADABLEDIR@|$(LOADABLEDIR)|; s|@VERSION@|$(VERSION)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@LIBS@|$(strip $(URING_LIBS) -lpthread -lm)|' .packaging/sqlite-art.pc.in \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/sqlite-art.pc
	install -m 644 README.md LICENSE $(DESTDIR)$(DOCDIR)
	install -m 644 $(wildcard sql/*.sql sql/*.md) sql/du.sh $(DESTDIR)$(DOCDIR)/sql

uninstall:
	rm -f $(addprefix $(DESTDIR),$(LOADABLEDIR)/art.so $(LIBDIR)/sqlite-art/libart.a $(LIBDIR)/pkgconfig/sqlite-art.pc)
	rm -f $(DESTDIR)$(INCLUDEDIR)/art.h $(addprefix $(DESTDIR)$(DOCDIR)/,README.md LICENSE $(wildcard sql/*.sql sql/*.md) sql/du.sh)
	-rmdir $(addprefix $(DESTDIR),$(LIBDIR)/sqlite-art $(INCLUDEDIR) $(DOCDIR)/sql $(DOCDIR))

deb:
	@.ci/deps build
	@command -v dpkg-buildpackage >/dev/null && command -v dh >/dev/null || .ci/deps packages "make deb" dpkg-dev debhelper pkg-config
	@.packaging/deb $(VERSION) build/deb

npm:
	@.ci/deps build
	@CC=$(CC) .packaging/npm/pack $(VERSION) build/npm $(CORE) $(EXT)

clean:
	rm -rf build art.so
