/* LONGEST: the row of the longest path that is a prefix of what it is to MATCH: of a request its route, of a file its
 * mount. As with art_longest_prefix(), but the search that finds the path has its row, too.
 */
#include <assert.h>

#include "ext/query/scan.h"

/* Of all prefixes the longest stands last in key order, and the others are beginnings of it. So it meets a prefix and a
 * start_after, the arguments beside MATCH, if any of them does. Of no upper bound is that true; none is taken. */
enum art_rc art_longest_scan_open(struct art_scan *scan) {
    struct art_bytes wanted = scan->of.longest.wanted;
    struct art_bytes delimiter = art_buffer_bytes(&scan->shown[ART_HIDDEN_DELIMITER].text);
    assert(scan->kind == ART_SCAN_LONGEST && scan->state == ART_SCAN_END);
    scan->key.len = 0;
    enum art_rc rc = art_tree_longest_prefix(art_scan_tree(scan), wanted, delimiter, &scan->key, &scan->row);
    if (rc == ART_NOTFOUND) return ART_OK;
    if (!rc && art_key_range_has(&scan->keys.range, art_buffer_bytes(&scan->key))) scan->state = ART_SCAN_ON_ROW;
    return rc;
}
