// A squarified treemap (Bruls, Huizing, van Wijk 2000): rectangles whose areas are the weights, and whose sides are as alike as can be.
// Weights are positive and come largest first; each rectangle is [x, y, width, height], in their order.
export function treemap(weights, width, height) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scale = (width * height) / total;
  const areas = weights.map((weight) => weight * scale);
  const placed = [];
  let x = 0, y = 0;

  // How far the worst of a row that lies along `side` is from a square.
  const worst = (sum, largest, smallest, side) => Math.max((side * side * largest) / (sum * sum), (sum * sum) / (side * side * smallest));

  for (let at = 0; at < areas.length;) {
    const side = Math.min(width, height);
    let end = at + 1, sum = areas[at];
    while (end < areas.length && worst(sum + areas[end], areas[at], areas[end], side) <= worst(sum, areas[at], areas[end - 1], side)) sum += areas[end++];
    const depth = sum / side;
    let along = 0;
    for (; at < end; at++) {
      const length = areas[at] / depth;
      placed.push(width >= height ? [x, y + along, depth, length] : [x + along, y, length, depth]);
      along += length;
    }
    if (width >= height) { x += depth; width -= depth; } else { y += depth; height -= depth; }
  }
  return placed;
}
