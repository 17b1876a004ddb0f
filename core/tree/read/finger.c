/* Finger search, for lookups side by side: UPDATE and DELETE of a range of keys, rows that are written in order, a
 * join in the order of keys.
 *
 * Where several lookups in a row end in one bucket of a leaf, or the next, the following one begins with that bucket
 * and needs nothing above it: no index blob, no filter, no routing. This is sound only for a key that is there. Any
 * other is looked up from the run's top. Only the oldest run, which has most keys, has a finger. A search best first
 * points it at the row that it has found, which is asked for next.
 */
#include "core/tree/read/read.h"

/* A damaged leaf may have nothing to do with the key. After any other failure the host's transaction may be over. */
enum art_rc art_finger_get(struct art_tree *tree, struct art_bytes key, struct art_entry *out,
                           struct art_blob **where) {
    struct art_finger *finger = &tree->finger;
    assert(art_finger_points(finger) && tree->root->runs && !finger->leaf.height);
    if (art_label_compare(finger->leaf.label, key)) return ART_NOTFOUND;
    enum art_rc rc = art_store_blob(tree->store, &finger->leaf, where);
    if (!rc) rc = art_blob_get_in(*where, finger->bucket, key, out);
    if (rc && rc != ART_NOTFOUND) finger->near = 0;
    tree->count.finger += !rc;
    return rc == ART_CORRUPT ? ART_NOTFOUND : rc;
}

/* Without memory for the label there is no finger. */
void art_finger_point(struct art_finger *finger, const struct art_ref *leaf) {
    assert(!leaf->height);
    if (art_buffer_set(&finger->label, leaf->label.data, leaf->label.len)) {
        finger->near = 0;
        return;
    }
    finger->leaf = *leaf;
    finger->leaf.label = art_buffer_bytes(&finger->label);
    finger->leaf.summed = NULL;
}
