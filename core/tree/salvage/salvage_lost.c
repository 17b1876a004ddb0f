/* What may be lost, by ranges of keys.
 *
 *     a run    .. k3 | k4 | ####### | k9 ..        what the damaged page held lies between k4 and k9
 *
 * A damaged range of a run is reported when the walk has its next key. A row of which a chunk is missing lies between
 * the row before and the row behind, and is reported when that is known: until then it is `open`, and so is all that
 * was found after it. */
#include "core/tree/salvage/private.h"

#include <stdarg.h>

const char art_effect_gone[] = "rows may be missing";
const char art_effect_older[] = "rows may be missing or older than they were, and deleted ones may be back";

/* Rows of art_lost() for a person to read; a sentence with two keys, and each key, cut where it is longer. */
enum { NOTES_MAX = 100, WHAT_BYTES = 640, SHOWN_BYTES = 200 };

/* --- the list ----------------------------------------------------------------------------------------------------- */

/* Rows are what people see: the first byte of a key goes, and what stands behind all rows is no bound. */
static bool bound_of(const struct art_bytes *key, struct art_bytes *out) {
    if (!key || !key->len || key->data[0] != ART_SPACE_ROWS) return false;
    *out = art_bytes(key->data + 1, key->len - 1);
    return true;
}

/* `place` stays where it is as long as salvage does. *out: the loss, unless NULL. */
static enum art_rc add_loss(struct art_salvage *salvage, const char *what, const struct art_bytes *after,
                            const struct art_bytes *before, struct art_lost lost, struct art_loss **out) {
    struct art_bytes low = {0}, high = {0};
    assert(salvage->options.report && (!after || !before || art_bytes_compare(*after, *before) < 0));
    size_t what_len = strlen(what) + 1;
    lost.after_set = bound_of(after, &low);
    lost.before_set = bound_of(before, &high);
    struct art_loss *loss = art_alloc_zeroed(sizeof *loss + what_len + low.len + high.len);
    if (!loss) return art_nomem();
    char *at = (char *)(loss + 1);
    lost.what = memcpy(at, what, what_len);
    at += what_len;
    lost.after = art_bytes(at, low.len);
    if (low.len) memcpy(at, low.data, low.len);
    at += low.len;
    lost.before = art_bytes(at, high.len);
    if (high.len) memcpy(at, high.data, high.len);
    loss->reported = lost;
    *salvage->losses_end = loss;
    salvage->losses_end = &loss->next;
    if (out) *out = loss;
    return ART_OK;
}

static void loss_free(struct art_loss *loss) {
    if (!loss) return;
    art_free(loss->text);
    art_free(loss);
}

bool art_salvage_lost(struct art_salvage *salvage, struct art_lost *out) {
    struct art_loss *loss = salvage->losses;
    if (!loss || loss->open) return false;
    salvage->losses = loss->next;
    if (!salvage->losses) salvage->losses_end = &salvage->losses;
    loss_free(salvage->shown);
    salvage->shown = loss;
    *out = loss->reported;
    return true;
}

void art_losses_clear(struct art_salvage *salvage) {
    while (salvage->losses) {
        struct art_loss *next = salvage->losses->next;
        loss_free(salvage->losses);
        salvage->losses = next;
    }
    loss_free(salvage->shown);
    salvage->shown = NULL;
    salvage->losses_end = &salvage->losses;
    salvage->open_from = NULL;
}

enum art_rc art_lost_everywhere(struct art_salvage *salvage, const char *place, uint32_t slot, uint32_t page,
                                const char *format, ...) {
    char what[WHAT_BYTES];
    va_list args;
    if (!salvage->options.report) return ART_OK;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return add_loss(salvage, what, NULL, NULL, (struct art_lost){.place = place, .slot = slot, .page = page}, NULL);
}

/* --- damaged ranges ----------------------------------------------------------------------------------------------- */

static enum art_rc add_note(struct art_detour *walk, uint32_t slot, const struct art_fault *fault) {
    struct art_detour_damage *damage = &walk->damage;
    const char *what = damage->count < NOTES_MAX ? fault->what : "and more that is damaged";
    if (damage->count > NOTES_MAX) return ART_OK;
    size_t len = strlen(what) + 1;
    struct art_damage_note *note = art_alloc(sizeof *note + len);
    if (!note) return art_nomem();
    *note = (struct art_damage_note){.slot = slot, .page = fault->page, .what = (char *)(note + 1)};
    memcpy(note->what, what, len);
    *damage->end = note;
    damage->end = &note->next;
    damage->count++;
    return ART_OK;
}

/* Several buckets of one page are one chunk of news. */
enum art_rc art_damage_note(struct art_detour *walk, uint32_t slot, bool index, uint64_t generation) {
    struct art_detour_damage *damage = &walk->damage;
    struct art_fault fault = art_error_fault();
    assert(fault.what[0] && (index || !generation));
    bool same = damage->open && damage->slot == slot && damage->page == fault.page;
    damage->open = true;
    damage->index |= index;
    if (index && generation > damage->generation) damage->generation = generation;
    damage->slot = slot;
    damage->page = fault.page;
    return same || !walk->salvage->options.report || !walk->effect || walk->named ? ART_OK
                                                                                  : add_note(walk, slot, &fault);
}

void art_damage_forget(struct art_detour *walk) {
    struct art_detour_damage *damage = &walk->damage;
    while (damage->first) {
        struct art_damage_note *next = damage->first->next;
        art_free(damage->first);
        damage->first = next;
    }
    *damage = (struct art_detour_damage){.end = &damage->first};
}

static enum art_rc report_damage(struct art_detour *walk, const struct art_bytes *after,
                                 const struct art_bytes *before) {
    char what[WHAT_BYTES];
    struct art_salvage *salvage = walk->salvage;
    enum art_rc rc = ART_OK;
    for (const struct art_damage_note *note = walk->damage.first; !rc && note; note = note->next) {
        snprintf(what, sizeof what, "%s: %s", walk->damage.index ? art_effect_older : walk->effect, note->what);
        struct art_lost lost = {.place = salvage->place, .slot = note->slot, .page = note->page};
        rc = add_loss(salvage, what, after, before, lost, NULL);
    }
    return rc;
}

enum art_rc art_damage_close(struct art_detour *walk) {
    if (!walk->damage.open) return ART_OK;
    struct art_bytes last = art_buffer_bytes(&walk->last);
    assert(!walk->any || !walk->valid || art_bytes_compare(last, walk->key) < 0);
    const struct art_bytes *after = walk->any ? &last : NULL, *before = walk->valid ? &walk->key : NULL;
    bool rows = !after || after->data[0] <= ART_SPACE_ROWS;
    enum art_rc rc = rows ? report_damage(walk, after, before) : ART_OK;
    if (!rc && walk->damage.index && !walk->named) {
        rc = art_orphans_fill(walk->salvage, after, before, walk->damage.generation, NULL);
    }
    art_damage_forget(walk);
    return rc;
}

/* --- a row -------------------------------------------------------------------------------------------------------- */

/* For people: the row is named, whatever its bytes are. */
static void show_key(struct art_bytes key, char out[SHOWN_BYTES]) {
    uint32_t n = 0;
    for (uint32_t i = 1; i < key.len && n < SHOWN_BYTES - 4; i++) {
        uint8_t c = key.data[i];
        out[n++] = c < ' ' || c == 0x7f ? '?' : (char)c;
        if (n == SHOWN_BYTES - 4) n += (uint32_t)snprintf(out + n, 4, "...");
    }
    out[n] = 0;
}

enum art_rc art_lost_row(struct art_salvage *salvage, const char *why) {
    char what[WHAT_BYTES], shown[SHOWN_BYTES];
    if (!salvage->options.report) return ART_OK;
    struct art_bytes before = art_buffer_bytes(&salvage->previous);
    show_key(art_buffer_bytes(&salvage->key), shown);
    snprintf(what, sizeof what, "the row '%s' is lost: %s", shown, why);
    struct art_fault fault = art_error_fault();
    struct art_lost lost = {.place = salvage->place, .slot = fault.slot, .page = fault.page};
    struct art_loss *loss = NULL;
    enum art_rc rc = add_loss(salvage, what, salvage->any_previous ? &before : NULL, NULL, lost, &loss);
    if (!loss) return rc;
    loss->open = true;
    if (!salvage->open_from) salvage->open_from = loss;
    return ART_OK;
}

enum art_rc art_lost_passed(struct art_salvage *salvage, const struct art_bytes *key) {
    struct art_bytes high = {0};
    bool set = bound_of(key, &high);
    for (struct art_loss *loss = salvage->open_from; loss; loss = loss->next) {
        if (!loss->open) continue;
        if (set) {
            loss->text = art_alloc(high.len + 1);
            if (!loss->text) return art_nomem();
            memcpy(loss->text, high.data, high.len);
        }
        loss->reported.before_set = set;
        loss->reported.before = art_bytes(loss->text, set ? high.len : 0);
        loss->open = false;
    }
    salvage->open_from = NULL;
    assert(!salvage->losses || !salvage->losses->open);
    return ART_OK;
}
