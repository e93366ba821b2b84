import type { KernelSignature } from './backend.js';

/** One row of native/kernels/kernels.inc as both bindings report it: name, domain, parameters, operands. */
export type KernelRow = readonly [name: string, domain: string, params: string, operands: string];

const words = (text: string) => text.split(' ').filter((word) => word !== '');

/** The enumerator's texts (`x:r weight:r bias?:r y:w`) as data, by name. */
export function parseSignatures(rows: readonly KernelRow[]): ReadonlyMap<string, KernelSignature> {
  return new Map(
    rows.map(([name, domain, params, operands], id) => {
      const signature = {
        id,
        name,
        domain: domain as KernelSignature['domain'],
        params: words(params),
        operands: words(operands).map((operand) => {
          const [label, access] = operand.split(':') as [string, 'r' | 'w' | 'u' | 'p'];
          return { name: label.replace('?', ''), optional: label.endsWith('?'), access };
        }),
      };
      return [name, signature];
    }),
  );
}
