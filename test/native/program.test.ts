import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import { native } from '../runtime-backends.js';
import { executable } from './executables.js';
import { drawPrograms } from './networks.js';
import { ProgramFiles } from './program-files.js';

/** Networks that are drawn, each with nine programs; TWILL_TEST_RUNS=2000 for a night. */
const NETWORKS = Number(process.env.TWILL_TEST_RUNS ?? 20);
const SEED = Number(process.env.TWILL_TEST_SEED ?? 1);

const RANDOM = 'programs of random networks, every operand between pages that nobody may touch,';

/** Sanitizers make them some ten times as long. */
const TIMEOUT = 120_000 + 5000 * NETWORKS;

describe(RANDOM, { timeout: TIMEOUT }, () => {
  let files: ProgramFiles;

  beforeAll(() => {
    files = new ProgramFiles(drawPrograms(native(nativeInstructionSets()[0]!), NETWORKS, SEED), SEED);
  }, TIMEOUT);
  afterAll(() => files.remove());

  const bits = new Map<string, string>();

  /** program_test.cc says which file broke what, and a last line of `240 programs, 0 failed, bits 02f49f452c926a65`. */
  it.each(nativeInstructionSets())('leave the same on one thread, two and three, on %s', (isa) => {
    const output = files.feed([executable('program_test', isa)]);
    const [, count, hash] = /(\d+) programs, 0 failed, bits (\w+)\n$/.exec(output)!;
    expect(Number(count)).toBeGreaterThanOrEqual(NETWORKS);
    bits.set(isa, hash!);
  });

  it('leave the same bits wherever multiply-adds are fused', () => {
    bits.delete('sse2');
    expect(new Set(bits.values()).size).toBeLessThanOrEqual(1);
  });
});
