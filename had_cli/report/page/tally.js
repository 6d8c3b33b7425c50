// How many pixels of the whole scene score at or above a threshold (see tally.py).

class Tally {
  constructor(carried) {
    this.count = carried.count;
    this.rest = carried.rest;
    this.tail = unpacked(carried.tail);
    this.levels = unpacked(carried.levels);
  }

  get highest() {
    return this.count ? this.tail[this.tail.length - 1] : NaN;
  }

  // -> [number of pixels, whether it is exact]
  above(threshold) {
    const { tail, levels, rest } = this;
    if (!rest || threshold > tail[0]) return [tail.length - firstAtLeast(tail, threshold), true];
    const level = firstAtLeast(levels, threshold);
    if (level === 0) return [this.count, true];
    const between = level < levels.length ? rankOf(level - 0.5, this) : rest;
    return [this.count - Math.round(between), false];
  }

  // the score of the pixel that ranks `place`, 1 being the highest
  ranked(place) {
    const { tail, levels, rest } = this;
    if (place <= tail.length) return tail[tail.length - Math.max(1, place)];
    const level = ((this.count - place) / Math.max(1, rest - 1)) * (levels.length - 1);
    return levels[Math.max(0, Math.round(level))];
  }
}

function rankOf(level, tally) {
  return (level / (tally.levels.length - 1)) * (tally.rest - 1);
}

// index of the first of ascending `values` that is at least `value`
function firstAtLeast(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
