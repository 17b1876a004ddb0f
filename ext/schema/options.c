/* The options of CREATE VIRTUAL TABLE ... USING art(...): one table of them, from which parsing, the list in error
 * messages and the rows of T_artstate are made.
 *
 *     name [spaces] = [spaces] value         names, units and words in either case; the value may stand in quotes
 *     sizes: a number of bytes, with B, KB (K), MB (M), GB (G) or TB (T) if wanted; 1 KB is 1024 bytes
 */
#include "ext/schema/schema.h"

#include <ctype.h>
#include <stddef.h>

enum option_kind { OPTION_SIZE, OPTION_AUTO_SIZE, OPTION_STORAGE };

static const struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *form;
} options[] = {
    {"cache", OPTION_AUTO_SIZE, offsetof(struct art_settings, cache_bytes), "auto, or a size such as 64MB"},
    {"log_limit", OPTION_AUTO_SIZE, offsetof(struct art_settings, log_limit), "auto, or a size such as 1MB"},
    {"spill_limit", OPTION_SIZE, offsetof(struct art_settings, spill_limit), "a size such as 64MB"},
    {"storage", OPTION_STORAGE, offsetof(struct art_settings, storage), "auto, file or inline"},
};
enum { OPTIONS = sizeof options / sizeof *options };
static const uint64_t auto_size = ART_CACHE_AUTO; /* no size that can be given is as large */
_Static_assert(ART_LOG_AUTO == ART_CACHE_AUTO, "one word for both");
static const char *const storage_words[] = {"auto", "file", "inline"};
static const char known_options[] = "cache, key, log_limit, spill_limit, storage, summary";

void art_settings_default(struct art_settings *settings) {
    *settings =
        (struct art_settings){.cache_bytes = ART_CACHE_AUTO, .log_limit = ART_LOG_AUTO, .spill_limit = 64 << 20};
}

bool art_settings_equal(const struct art_settings *a, const struct art_settings *b) {
    return a->cache_bytes == b->cache_bytes && a->log_limit == b->log_limit && a->spill_limit == b->spill_limit &&
           a->storage == b->storage;
}

struct art_text art_text_trimmed(const char *at, const char *end) {
    assert(at <= end);
    while (at < end && isspace((unsigned char)*at)) at++;
    while (end > at && isspace((unsigned char)end[-1])) end--;
    return (struct art_text){at, (int)(end - at)};
}

bool art_text_is(struct art_text text, const char *word) {
    return text.len == (int)strlen(word) && sqlite3_strnicmp(text.at, word, text.len) == 0;
}

/* More than this is no more, so that sums of settings, and small multiples, are never too large for 64 bits. */
static const uint64_t SIZE_BYTES_MAX = (uint64_t)1 << 50;

static bool parse_size(struct art_text text, uint64_t *out) {
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0},    {"B", 0},  {"K", 10},  {"KB", 10}, {"M", 20},
                 {"MB", 20}, {"G", 30}, {"GB", 30}, {"T", 40},  {"TB", 40}};
    uint64_t number = 0;
    int digits = 0;
    while (digits < text.len && isdigit((unsigned char)text.at[digits])) {
        if (number > UINT64_MAX / 20) return false;
        number = number * 10 + (uint64_t)(text.at[digits++] - '0');
    }
    if (!digits) return false;
    struct art_text unit = art_text_trimmed(text.at + digits, text.at + text.len);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!art_text_is(unit, units[i].name)) continue;
        if (number > (UINT64_MAX >> 1 >> units[i].shift)) return false;
        *out = number << units[i].shift;
        if (*out > SIZE_BYTES_MAX) *out = SIZE_BYTES_MAX;
        return true;
    }
    return false;
}

bool art_storage_parse(struct art_text text, enum art_storage *out) {
    for (unsigned i = 0; i < sizeof storage_words / sizeof *storage_words; i++) {
        if (!art_text_is(text, storage_words[i])) continue;
        *out = (enum art_storage)i;
        return true;
    }
    return false;
}

static bool set(struct art_settings *settings, const struct option *option, struct art_text value) {
    assert(option->offset < sizeof *settings);
    uint64_t *size = (uint64_t *)((char *)settings + option->offset);
    if (option->kind == OPTION_STORAGE) return art_storage_parse(value, &settings->storage);
    if (option->kind == OPTION_SIZE || !art_text_is(value, "auto")) return parse_size(value, size);
    *size = auto_size;
    return true;
}

static int take_option(struct art_settings *settings, struct art_text name, struct art_text value, char **message) {
    for (unsigned i = 0; i < OPTIONS; i++) {
        if (!art_text_is(name, options[i].name)) continue;
        if (set(settings, &options[i], value)) return SQLITE_OK;
        return art_complain(message, SQLITE_ERROR, "art: '%.*s' is no value for %s: give %s", value.len, value.at,
                            options[i].name, options[i].form);
    }
    return SQLITE_NOTFOUND;
}

int art_settings_take(struct art_settings *settings, const char *key, const char *value, char **message) {
    struct art_text name = {key, (int)strlen(key)}, text = {value, (int)strlen(value)};
    return take_option(settings, name, text, message);
}

int art_settings_parse(struct art_settings *settings, const char *argument, char **message) {
    const char *end = argument + strlen(argument), *equals = strchr(argument, '=');
    assert(equals); /* art_definition_is_option() has seen it */
    struct art_text name = art_text_trimmed(argument, equals);
    struct art_text value = art_text_trimmed(equals + 1, end);
    if (value.len >= 2 && (*value.at == '\'' || *value.at == '"') && value.at[value.len - 1] == *value.at) {
        value = art_text_trimmed(value.at + 1, value.at + value.len - 1);
    }
    int rc = take_option(settings, name, value, message);
    if (rc != SQLITE_NOTFOUND) return rc;
    return art_complain(message, SQLITE_ERROR, "art: there is no option '%.*s': known are %s", name.len, name.at,
                        known_options);
}

bool art_settings_show(const struct art_settings *settings, unsigned number, const char **key, char **text) {
    if (number >= OPTIONS) return false;
    const struct option *option = &options[number];
    assert((unsigned)settings->storage < sizeof storage_words / sizeof *storage_words);
    *key = option->name;
    if (option->kind == OPTION_STORAGE) {
        *text = sqlite3_mprintf("%s", storage_words[settings->storage]);
    } else {
        uint64_t size = *(const uint64_t *)((const char *)settings + option->offset);
        *text = size == auto_size ? sqlite3_mprintf("auto") : sqlite3_mprintf("%llu", size);
    }
    return true;
}
