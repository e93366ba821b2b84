// What bounds the rounding errors of minimal filtering: its sums with every term's magnitude, in float64.

type Square = readonly (readonly number[])[];

const transpose = (m: Square) => m[0]!.map((_, j) => m.map((row) => row[j]!));
const times = (a: Square, b: Square) =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
/** m x m' of magnitudes. */
const around = (m: Square, x: Square) => times(times(m, x), transpose(m));

// Magnitudes of the matrices of F(2x2, 3x3) (Lavin and Gray, 2015).
const B = [
  [1, 0, 1, 0],
  [0, 1, 1, 0],
  [0, 1, 1, 0],
  [0, 1, 0, 1],
];
const G = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, 0.5, 0.5],
  [0, 0, 1],
];
const A = [
  [1, 1, 1, 0],
  [0, 1, 1, 1],
];

export interface WinogradShape {
  readonly N: number;
  readonly IC: number;
  readonly OC: number;
  readonly IH: number;
  readonly IW: number;
  readonly padding: readonly [number, number];
}

/** For each output [N][OC][OH][OW] of x [N][IC][IH][IW] and a weight [OC][IC][3][3]. */
export function winogradMagnitudes(
  { N, IC, OC, IH, IW, padding }: WinogradShape,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
): Float64Array {
  const [OH, OW] = [IH + 2 * padding[0] - 2, IW + 2 * padding[1] - 2];
  const result = new Float64Array(N * OC * OH * OW);
  const at = (n: number, c: number, ih: number, iw: number) =>
    ih < 0 || iw < 0 || ih >= IH || iw >= IW ? 0 : Math.abs(x[((n * IC + c) * IH + ih) * IW + iw]!);
  const square = (size: number, of: (i: number, j: number) => number) =>
    Array.from({ length: size }, (_, i) => Array.from({ length: size }, (__, j) => of(i, j)));
  const filters = Array.from({ length: OC * IC }, (_, k) =>
    around(
      G,
      square(3, (i, j) => Math.abs(weight[k * 9 + i * 3 + j]!)),
    ),
  );
  for (let n = 0; n < N; n++) {
    for (let top = 0; top < OH; top += 2) {
      for (let left = 0; left < OW; left += 2) {
        const inputs = Array.from({ length: IC }, (_, c) =>
          around(
            B,
            square(4, (i, j) => at(n, c, top + i - padding[0], left + j - padding[1])),
          ),
        );
        for (let oc = 0; oc < OC; oc++) {
          const products = square(4, (i, j) =>
            inputs.reduce((sum, input, c) => sum + input[i]![j]! * filters[oc * IC + c]![i]![j]!, 0),
          );
          around(A, products).forEach((row, i) =>
            row.forEach((value, j) => {
              if (top + i < OH && left + j < OW) {
                result[((n * OC + oc) * OH + top + i) * OW + left + j] = value;
              }
            }),
          );
        }
      }
    }
  }
  return result;
}
