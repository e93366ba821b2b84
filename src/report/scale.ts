/** Evenly spaced round ticks; the axis runs from the first to the last. */
export interface Axis {
  readonly ticks: readonly number[];
  /** Digits after the point that tell neighbouring ticks apart. */
  readonly decimals: number;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Limits that ticks never pass, such as 0..1 for a fraction. */
export interface Limits {
  readonly lower: number;
  readonly upper: number;
}

const ROUND = [1, 2, 2.5, 5];

/** The range of the finite values, widened where they are all but equal; undefined when there is none. */
export function rangeOf(values: readonly number[], limits: Limits): Range | undefined {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return undefined;
  const min = Math.min(...finite);
  const max = Math.max(...finite);
  const scale = Math.max(Math.abs(min), Math.abs(max));
  // Narrower than a thousandth of the values themselves, an axis would only magnify their rounding.
  const flat = max - min < scale * 1e-3 || scale < 1e-9;
  const margin = !flat ? (max - min) * 0.04 : scale < 1e-9 ? 0.5 : scale * 0.1;
  return { min: Math.max(limits.lower, min - margin), max: Math.min(limits.upper, max + margin) };
}

/** The tightest axis of round ticks with this many intervals that covers the range within the limits. */
function axisOf(range: Range, intervals: number, limits: Limits): Axis | undefined {
  const smallest = (range.max - range.min) / intervals;
  const exponent = Math.floor(Math.log10(smallest)) - 1;
  for (let power = exponent; power <= exponent + 3; power++) {
    for (const mantissa of ROUND) {
      const step = mantissa * 10 ** power;
      if (step < smallest * (1 - 1e-9)) continue;
      let first = Math.floor(range.min / step + 1e-9);
      if ((first + intervals) * step > limits.upper * (1 + 1e-9)) {
        first = Math.floor(limits.upper / step + 1e-9) - intervals;
      }
      if (first * step < limits.lower - step * 1e-9) continue;
      if ((first + intervals) * step < range.max - step * 1e-9) continue;
      const ticks = Array.from({ length: intervals + 1 }, (_, i) => (first + i) * step);
      return { ticks, decimals: Math.max(0, mantissa === 2.5 ? 1 - power : -power) };
    }
  }
  return undefined;
}

/**
 * Axes for several ranges that share one grid: all have the same number of intervals (4 to 7), and that number
 * is chosen for which the curves fill the most of their axes.
 */
export function sharedAxes(ranges: readonly { range: Range; limits: Limits }[]): Axis[] {
  let best: Axis[] = [];
  let bestFill = -1;
  for (let intervals = 4; intervals <= 7; intervals++) {
    const axes = ranges.map(({ range, limits }) => axisOf(range, intervals, limits));
    if (!axes.every((axis) => axis !== undefined)) continue;
    const fill = axes.reduce((product, axis, i) => {
      const { min, max } = ranges[i]!.range;
      return (product * (max - min)) / (axis.ticks.at(-1)! - axis.ticks[0]!);
    }, 1);
    if (fill > bestFill + 1e-9) {
      best = axes;
      bestFill = fill;
    }
  }
  return best;
}

/** Whole-number ticks from `first` to `last`, at most about `most` of them. */
export function integerTicks(first: number, last: number, most: number): number[] {
  let step = 1;
  for (let power = 1; (last - first) / step >= most; power *= 10) {
    for (const mantissa of [1, 2, 5]) {
      step = mantissa * power;
      if ((last - first) / step < most) break;
    }
  }
  const ticks: number[] = [];
  for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) ticks.push(tick);
  return ticks;
}
