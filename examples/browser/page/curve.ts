export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line through the means of as many values in a row as it takes to have no more points than can be told apart. */
export class Curve {
  readonly #most: number;
  #points: Point[] = [];
  /** Values in each point. */
  #width = 1;
  #open: { x: number; y: number; values: number } = { x: 0, y: 0, values: 0 };

  /** @param most points at most */
  constructor(most = 240) {
    this.#most = most;
  }

  /** Adds a value; `x` grows from call to call. */
  add(x: number, y: number): void {
    const open = this.#open;
    open.x += x;
    open.y += y;
    if (++open.values < this.#width) return;
    this.#points.push({ x: open.x / open.values, y: open.y / open.values });
    this.#open = { x: 0, y: 0, values: 0 };
    if (this.#points.length > this.#most) this.#halve();
  }

  get points(): readonly Point[] {
    return this.#points;
  }

  #halve(): void {
    const halved: Point[] = [];
    for (let i = 0; i + 1 < this.#points.length; i += 2) {
      const [a, b] = [this.#points[i]!, this.#points[i + 1]!];
      halved.push({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    }
    if (this.#points.length % 2 === 1) {
      const { x, y } = this.#points.at(-1)!;
      this.#open = { x: x * this.#width, y: y * this.#width, values: this.#width };
    }
    this.#points = halved;
    this.#width *= 2;
  }
}

/** The mean of the last values. */
export class RecentMean {
  readonly #most: number;
  readonly #values: { sum: number; weight: number }[] = [];
  #sum = 0;
  #weight = 0;

  /** @param most the weight beyond which the oldest values are let go */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds values that sum to `sum`, `weight` of them. */
  add(sum: number, weight: number): void {
    this.#values.push({ sum, weight });
    this.#sum += sum;
    this.#weight += weight;
    while (this.#values.length > 1 && this.#weight - this.#values[0]!.weight >= this.#most) {
      const oldest = this.#values.shift()!;
      this.#sum -= oldest.sum;
      this.#weight -= oldest.weight;
    }
  }

  get mean(): number {
    return this.#sum / this.#weight;
  }

  /** Of how many values it is. */
  get weight(): number {
    return this.#weight;
  }
}
