#include "tests/bench/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/files.h"
#include "tests/bench/special.h"

/* ---- pipes ------------------------------------------------------------------------------------------------------- */

static bool read_all(int file, void *to, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t n = read(file, (char *)to + done, len - done);
        if (n <= 0 && !(n < 0 && errno == EINTR)) return false;
        if (n > 0) done += (size_t)n;
    }
    return true;
}

static bool write_all(int file, const void *from, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t n = write(file, (const char *)from + done, len - done);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) done += (size_t)n;
    }
    return true;
}

/* ---- in the engine's process ------------------------------------------------------------------------------------- */

static void obey(struct workplace *place, const struct command *command, struct block *out) {
    const struct engine *engine = place->engine;
    switch (command->order) {
    case ORDER_LOAD:
        block_load(engine, place->store, place->keys, command->from, command->count, command->flag, out);
        break;
    case ORDER_BLOCK:
        block_run(engine, place->store, place->keys, &operations[command->operation], command->round, command->count,
                  command->limit_ns, command->flag, out);
        break;
    case ORDER_QUIESCE:
    case ORDER_SETTLE:
        out->ns = bench_now();
        (command->order == ORDER_SETTLE ? engine->settle : engine->quiesce)(place->store);
        out->ns = bench_now() - out->ns;
        break;
    case ORDER_BULK:
        special_bulk(place, command->flag, out);
        break;
    case ORDER_REOPEN:
        special_reopen(place, command->count, out);
        break;
    case ORDER_FILL_LOG:
        special_fill_log(place, command->limit_ns, out);
        break;
    case ORDER_CATCH_UP:
        special_catch_up(place, command->count, out);
        break;
    case ORDER_READERS:
        special_readers(place, command->count, command->flag, command->limit_ns, out);
        break;
    case ORDER_PAUSES:
        special_pauses(place, command->directory, command->count, out);
        break;
    case ORDER_CHURN:
        special_churn(place, command->count, command->round, out);
        break;
    case ORDER_CACHE:
        if (engine->keep_cache) engine->keep_cache(place->store, command->limit_ns);
        break;
    case ORDER_PACK:
        out->units = special_pack(place);
        break;
    case ORDER_QUIT:
        break;
    }
}

static void work(struct workplace *place, int from, int to) __attribute__((noreturn));

static void work(struct workplace *place, int from, int to) {
    static struct outcome outcome;
    struct command command;
    uint64_t memory = process_memory(), reads = process_io("read_bytes"), writes = process_io("write_bytes");
    uint64_t begun = bench_now(), cpu = bench_cpu_now();
    place->store = place->engine->open(&place->settings);
    outcome.open_ns = bench_now() - begun;
    outcome.open_cpu_ns = bench_cpu_now() - cpu;
    while (read_all(from, &command, sizeof command)) {
        memset(&outcome.block, 0, sizeof outcome.block);
        if (command.order == ORDER_QUIT) {
            place->engine->close(place->store);
        } else {
            obey(place, &command, &outcome.block);
        }
        uint64_t now = process_memory();
        outcome.memory_bytes = now > memory ? now - memory : 0;
        outcome.read_bytes = process_io("read_bytes") - reads;
        outcome.written_bytes = process_io("write_bytes") - writes;
        outcome.disk_bytes = files_bytes(place->settings.directory);
        if (!write_all(to, &outcome, sizeof outcome) || command.order == ORDER_QUIT) break;
    }
    fflush(stdout);
    _exit(0);
}

/* ---- in the conductor's ------------------------------------------------------------------------------------------ */

void worker_start(struct worker *worker, const struct engine *engine, const struct keys *keys,
                  const struct engine_settings *settings) {
    int down[2], up[2];
    worker->engine = engine;
    worker->settings = *settings;
    fflush(stdout);
    fflush(stderr);
    if (pipe(down) || pipe(up) || (worker->pid = fork()) < 0) {
        fprintf(stderr, "bench: cannot start the process of %s: %s\n", engine->name, strerror(errno));
        exit(1);
    }
    if (worker->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_DFL); /* the conductor cleans up */
        signal(SIGTERM, SIG_DFL);
        close(down[1]);
        close(up[0]);
        struct workplace place = {.engine = engine, .keys = keys, .settings = *settings};
        work(&place, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    worker->to = down[1];
    worker->from = up[0];
}

static void watch_disk(struct worker *worker) {
    struct pollfd answer = {.fd = worker->from, .events = POLLIN};
    worker->peak_bytes = 0;
    do {
        uint64_t bytes = files_bytes(worker->settings.directory);
        if (bytes > worker->peak_bytes) worker->peak_bytes = bytes;
    } while (poll(&answer, 1, 5) == 0);
}

const struct outcome *worker_tell(struct worker *worker, const struct command *command) {
    kill(worker->pid, SIGCONT);
    bool told = write_all(worker->to, command, sizeof *command);
    if (told && command->order == ORDER_SETTLE) watch_disk(worker);
    if (!told || !read_all(worker->from, &worker->last, sizeof worker->last)) {
        int status = 0;
        waitpid(worker->pid, &status, 0);
        fprintf(stderr, "bench: the process of %s has ended (%s %d): no figures\n", worker->engine->name,
                WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        exit(1);
    }
    if (command->order != ORDER_QUIT) kill(worker->pid, SIGSTOP);
    return &worker->last;
}

void worker_quit(struct worker *worker) {
    struct command command = {.order = ORDER_QUIT};
    worker_tell(worker, &command);
    waitpid(worker->pid, NULL, 0);
    close(worker->to);
    close(worker->from);
    worker->pid = 0;
}
