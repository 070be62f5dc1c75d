// Where the labels of boxes go: beside their box, on no other label, and on other boxes as little as can be.
// All rectangles are [x1, y1, x2, y2] in pixels of the view.

const GAP = 3;
const OTHER_BOX = 1;
const OWN_BOX = 0.6; // a label on its part hides it, but misleads nobody

// `wanted`: for each box `{ box, sizes: [[width, height], …] }`, the longest words first. For each box
// `{ rect, size }` with the index of the size, or null where no words fit.
export function placeLabels(wanted, view) {
  const missing = (labels) => labels.filter((label) => !label).length;
  // Where the longest words leave no room for others, all are shorter.
  if (!wanted.length) return [];
  return wanted[0].sizes.map((_, from) => place(wanted, from, view))
    .reduce((best, labels) => (missing(labels) < missing(best) ? labels : best));
}

function place(wanted, from, [width, height]) {
  const placed = [];
  return wanted.map(({ box, sizes }) => {
    const others = wanted.map((other) => other.box).filter((other) => other !== box);
    for (let size = from; size < sizes.length; size += 1) {
      const words = sizes[size];
      const best = places(box, words)
        .map((rect, index) => ({ rect, size, cost: cost(rect, box, others) + index }))
        .filter(({ rect }) => within(rect, width, height) && !placed.some((label) => overlap(rect, label) > 0))
        .sort((a, b) => a.cost - b.cost)[0];
      if (!best) continue;
      placed.push(best.rect);
      return best;
    }
    return null;
  });
}

// Above and below, to the sides, then inside.
function places([x1, y1, x2, y2], [width, height]) {
  const at = (x, y) => [x, y, x + width, y + height];
  const [above, below, middle] = [y1 - height - GAP, y2 + GAP, (y1 + y2 - height) / 2];
  return [
    at(x1, above), at(x2 - width, above), at(x1, below), at(x2 - width, below),
    at(x2 + GAP, middle), at(x1 - width - GAP, middle),
    at(x2 + GAP, y1), at(x1 - width - GAP, y1), at(x2 + GAP, y2 - height), at(x1 - width - GAP, y2 - height),
    at(x1 + GAP, y1 + GAP), at(x1 + GAP, y2 - height - GAP),
  ];
}

const cost = (rect, box, others) =>
  others.reduce((sum, other) => sum + OTHER_BOX * overlap(rect, other), OWN_BOX * overlap(rect, box));

const within = ([x1, y1, x2, y2], width, height) => x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height;

function overlap([ax1, ay1, ax2, ay2], [bx1, by1, bx2, by2]) {
  return Math.max(0, Math.min(ax2, bx2) - Math.max(ax1, bx1)) * Math.max(0, Math.min(ay2, by2) - Math.max(ay1, by1));
}
