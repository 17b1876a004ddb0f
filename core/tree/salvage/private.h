/* Salvage from the inside.
 *
 *   salvage.c          opening; the sources side by side
 *   salvage_log.c      which root, and what follows it in the log
 *   salvage_image.c    blobs in memory, verified page by page
 *   salvage_detour.c   through the leaves of a run, around what is damaged
 *   salvage_orphans.c  leaves that no index names
 *   salvage_snapshots.c  leaves that only older snapshots name
 *   salvage_value.c    large values from their chunks
 *   salvage_lost.c     what may be lost
 */
#ifndef ART_TREE_SALVAGE_PRIVATE_H
#define ART_TREE_SALVAGE_PRIVATE_H

#include <assert.h>

#include "core/blob/cursor.h"
#include "core/tree/salvage.h"
#include "core/tree/txn/txn.h"

/* A file that has nothing in so many slots, 32 GB, is not looked through: a hole may be as long as it likes. */
enum { ART_BLANK_SLOTS_MAX = 1 << 16 };
enum { ART_SALVAGE_IMAGES = 64, ART_SALVAGE_ACTIVE = 256, ART_CATALOG_KEY_BYTES = 24 };

/* --- what may be lost --------------------------------------------------------------------------------------------- */

struct art_loss {
    struct art_loss *next;
    bool open; /* it is not known yet where the range ends */
    struct art_lost reported;
    char *text; /* the key that it ends before, where that came later; what and keys are in the same allocation */
};

/* A damaged range of one source: it begins behind the last key, and ends where the next key is. */
struct art_damage_note {
    struct art_damage_note *next;
    uint32_t slot, page;
    char *what;
};
struct art_detour_damage {
    bool open, index;
    uint64_t generation; /* of the newest index blob that is lost in it */
    uint32_t slot, page; /* noted last */
    struct art_damage_note *first, **end;
    unsigned count;
};

/* --- images ------------------------------------------------------------------------------------------------------- */

struct art_image {
    struct art_blob blob;
    struct art_salvage *salvage;
    uint8_t *bytes;
    struct art_ref ref; /* label: its length */
    uint64_t serial;    /* another one each time that it is read; 0: empty */
    uint64_t used;
    bool tried; /* to read all leaf pages at once */
};

/* --- walks -------------------------------------------------------------------------------------------------------- */

struct art_detour_step { /* in an index blob */
    struct art_ref ref;
    uint32_t bucket, entry; /* the next child */
};
struct art_detour_leaf { /* the leaf that a walk is in */
    bool open;
    struct art_ref ref;
    struct art_buffer label;
    struct art_image *image;
    uint64_t serial; /* of the image that the cursor stands in */
    struct art_blob_cursor cursor;
    uint32_t bucket, entry, count;
};
struct art_detour {
    struct art_salvage *salvage;
    const char *effect;         /* of what cannot be read, for art_lost; NULL: reported already */
    bool alone;                 /* one leaf that no index names */
    struct art_slot_set *named; /* only collects the slots that the run names */
    struct art_slot_set met;    /* slots of the file that references of this walk have led to */
    unsigned top;
    struct art_detour_step step[ART_HEIGHTS_MAX];
    struct art_detour_leaf leaf;
    struct art_detour_damage damage;
    uint8_t *scratch;       /* for keys */
    struct art_buffer last; /* the key before */
    bool any;               /* there was one */
    /* the entry that it stands at */
    bool valid;
    struct art_bytes key;
    struct art_buffer value;
    uint64_t csn, generation;
    uint8_t flags;
};

/* --- orphans ------------------------------------------------------------------------------------------------------ */

struct art_orphan_leaf {
    uint64_t generation;
    uint32_t slot;
    uint8_t low_len, high_len;
    bool high_cut, high_known;
    uint8_t low[ART_CATALOG_KEY_BYTES], high[ART_CATALOG_KEY_BYTES]; /* beginnings of the first and the last key */
};
/* Those that fill one damaged range. */
struct art_group {
    struct art_group *next;
    struct art_buffer low, high; /* keys between them */
    bool low_set, high_set;
    uint64_t generation; /* and no newer ones */
    const char *effect;
    uint32_t at; /* the next one of the catalog */
    struct art_detour *active[ART_SALVAGE_ACTIVE];
    unsigned count;
    bool crowded;
    struct art_detour *winner; /* NULL: at its end */
};

struct art_salvage {
    struct art_salvage_options options;
    struct art_io *io; /* NULL: there is none */
    const char *place; /* for messages */
    const struct art_medium *medium;
    bool missing; /* the file should be there */
    uint8_t uuid[ART_UUID_BYTES];
    bool uuid_known;
    uint32_t slots;
    struct art_root *root; /* NULL: found without one */
    struct art_memtable *memtable;
    struct art_memtable_cursor cursor;
    bool begun;

    struct { /* the log, while it is read */
        struct art_root *row;
        bool any_row, chosen, known;
        bool sound;    /* the root is that of row 0 */
        uint64_t last; /* csn of the row before */
        struct art_hash128 chain;
        uint64_t lost_from, lost_to; /* not reported yet; 0: none */
        uint64_t taken;              /* rows that are in the memtable */
    } log;

    struct art_image image[ART_SALVAGE_IMAGES];
    uint64_t serial, clock;
    bool singly;   /* pages, where not the whole blob will be wanted */
    uint8_t *page; /* one page, aligned */
    uint8_t *scratch;

    struct art_detour *run[ART_RUNS_CAPACITY];
    unsigned runs;

    bool catalogued;
    struct art_orphan_leaf *orphan;
    uint32_t orphans, orphan_capacity;
    struct art_slot_set named;
    struct art_group *groups;

    struct art_loss *losses, **losses_end, *open_from; /* the first that is open */
    struct art_loss *shown;

    /* the row */
    bool valid, ended;
    struct art_buffer key, value, previous, large;
    bool any_previous;
    bool is_large;
    uint64_t csn;
    uint8_t flags;
    unsigned steps;
};

/* What follows where something cannot be read, for art_lost. */
extern const char art_effect_gone[], art_effect_older[];

/* Damage is what salvage goes around: what does not verify, and what the device cannot read. Anything else that fails
 * may not fail the next time, so it ends the scan with its error: rows that are there must not be left out in silence.
 * `rc` is of the failure that was noted last. */
bool art_is_damage(enum art_rc rc);
/* Asked before each read and now and then: ART_OK, ART_INTERRUPT. */
enum art_rc art_salvage_interrupted(struct art_salvage *salvage);

/* --- salvage_lost.c */
/* Damage that art_error_fault() describes: the walk's damaged range begins with it, or goes on, behind its last key.
 * `index`: of an index blob, of this generation. ART_NOMEM. */
enum art_rc art_damage_note(struct art_detour *walk, uint32_t slot, bool index, uint64_t generation);
/* The walk has its next key, or has ended, and so has the damaged range: reports, and looks for orphan leaves where an
 * index blob is lost. ART_NOMEM, ART_INTERRUPT, or what is no damage. */
enum art_rc art_damage_close(struct art_detour *walk);
/* There is no damaged range, and what was noted of it is freed. */
void art_damage_forget(struct art_detour *walk);
/* Of all keys. ART_NOMEM; nothing where nobody will ask. */
enum art_rc art_lost_everywhere(struct art_salvage *salvage, const char *place, uint32_t slot, uint32_t page,
                                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The row under the salvage's position is lost, between the one before and the next one. ART_NOMEM. */
enum art_rc art_lost_row(struct art_salvage *salvage, const char *why);
/* The walk has gone on to this key (NULL: to its end): what was open ends there. ART_NOMEM. */
enum art_rc art_lost_passed(struct art_salvage *salvage, const struct art_bytes *key);
/* Frees all of them, and the one that is shown. */
void art_losses_clear(struct art_salvage *salvage);

/* --- salvage_image.c */
/* *out: the blob of a reference, its footer verified; leaf pages come by themselves. Borrowed: the image may hold
 * another blob after ART_SALVAGE_IMAGES - 1 others were asked for, and then has another `serial`. Damage, ART_NOMEM,
 * ART_INTERRUPT, or what the reading said. */
enum art_rc art_image_get(struct art_salvage *salvage, const struct art_ref *ref, struct art_image **out);
/* The reference that a slot's last page, read into salvage->page, gives of itself, and of which table. ART_NOTFOUND:
 * nothing was ever there; damage; ART_INTERRUPT. */
enum art_rc art_image_own_ref(struct art_salvage *salvage, uint32_t slot, struct art_ref *ref,
                              uint8_t uuid[ART_UUID_BYTES]);
/* Frees their memory, at the close. */
void art_images_clear(struct art_salvage *salvage);

/* --- salvage_detour.c */
/* A walk that stands before the first entry below `top`, to be closed; `effect` is borrowed. Damage is noted, and no
 * failure. ART_NOMEM, ART_INTERRUPT, ...: *out is not set. */
enum art_rc art_detour_open(struct art_salvage *salvage, const struct art_ref *top, const char *effect,
                            struct art_detour **out);
/* NULL is fine; what was noted and not reported is forgotten. */
void art_detour_close(struct art_detour *walk);
/* To the next entry that can be read, in the walk's fields until the next call; not `valid`: there is none. ART_OK with
 * either; ART_NOMEM, ART_INTERRUPT, or what is no damage. */
enum art_rc art_detour_next(struct art_detour *walk);
/* Adds all slots that a run names to `named`, as far as its index blobs can be read, but for what lies below an index
 * blob whose slot is in there already; nothing is reported. *damaged, if not NULL: set where some cannot be read. */
enum art_rc art_detour_named(struct art_salvage *salvage, const struct art_ref *top, struct art_slot_set *named,
                             bool *damaged);

/* --- salvage_orphans.c */
/* A group for the range between the two (NULL: no bound), of all leaves of the catalog of `generation` or older, on its
 * first key. Keys are copied, `effect` is borrowed. */
enum art_rc art_orphans_fill(struct art_salvage *salvage, const struct art_bytes *low, const struct art_bytes *high,
                             uint64_t generation, const char *effect);
/* Makes the catalog, once: reads the last page of every slot that no index names. */
enum art_rc art_catalog_make(struct art_salvage *salvage);
/* Past `key`, and to the first one where `key` is NULL: `winner` has it then. */
enum art_rc art_group_next(struct art_salvage *salvage, struct art_group *group, const struct art_bytes *key);
/* Closes the walks of all groups, and frees these. */
void art_groups_clear(struct art_salvage *salvage);
/* What the catalog, where it was made, has of a key that is not deleted: into `out`, borrowed from an image.
 * ART_NOTFOUND. */
enum art_rc art_orphans_find(struct art_salvage *salvage, struct art_bytes key, struct art_entry *out);

/* --- salvage_snapshots.c */
/* Adds to salvage->named the slots of leaves that were superseded before the state that is read. */
enum art_rc art_superseded_name(struct art_salvage *salvage);

/* --- salvage_log.c */
/* Chooses the root (NULL: none is whole), and replays into the memtable what follows it and verifies; reports what is
 * lost. Damage is no failure. */
enum art_rc art_salvage_read_log(struct art_salvage *salvage);

/* --- salvage_value.c */
/* The value that the row under the position refers to, whole and verified by its hash, into salvage->large. Damage
 * where it is not whole. */
enum art_rc art_salvage_large(struct art_salvage *salvage);

#endif
