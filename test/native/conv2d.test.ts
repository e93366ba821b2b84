import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import { executable } from './executables.js';

const CASES = process.env.TWILL_TEST_RUNS ?? '300';
const FIRST_SEED = '1';

/** What conv2d_test.cc prints last: `300 cases, 0 failed, bits 02f49f452c926a65`. */
function run(isa: string): { failed: number; bits: string } {
  const output = execFileSync(executable('conv2d_test', isa), [CASES, FIRST_SEED], { encoding: 'utf8' });
  const [, failed, bits] = /(\d+) failed, bits (\w+)\n$/.exec(output)!;
  return { failed: Number(failed), bits: bits! };
}

describe('the convolution kernels, on random shapes between guards,', () => {
  const results = nativeInstructionSets().map((isa) => ({ isa, ...run(isa) }));

  it.each(results)('agree with float64 loops on $isa', ({ failed }) => expect(failed).toBe(0));

  it('have the same bits wherever multiply-adds are fused', () => {
    const fused = results.filter(({ isa }) => isa !== 'sse2').map(({ bits }) => bits);
    expect(new Set(fused).size).toBeLessThanOrEqual(1);
  });
});
