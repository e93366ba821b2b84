import { expect, it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import { native } from '../runtime-backends.js';
import { executable } from './executables.js';
import { drawGradients } from './gradients.js';
import { ProgramFiles } from './program-files.js';

/** Networks that are drawn, each with four programs; TWILL_TEST_RUNS=2000 for a night. */
const NETWORKS = Number(process.env.TWILL_TEST_RUNS ?? 20);
const SEED = Number(process.env.TWILL_TEST_SEED ?? 1);
/** Sanitizers, and g++'s -O1 with them, take ten times as long. */
const SLOWNESS = process.env.TWILL_NATIVE_TESTS ? 10 : 1;
const TIMEOUT = SLOWNESS * (120_000 + 3000 * NETWORKS);

it(
  'kernels in float64 give the gradients of finite differences, in networks drawn at random',
  () => {
    const programs = drawGradients(native(nativeInstructionSets()[0]!), NETWORKS, SEED);
    const files = new ProgramFiles(programs, SEED);
    try {
      // It says which gradient of which file is off, and how far.
      const output = files.feed([executable('gradient_test', 'float64')]);
      const [, derivatives, count] = /^(\d+) derivatives of (\d+) programs, 0 failed\n$/.exec(output)!;
      expect(Number(count)).toBe(programs.length);
      expect(Number(derivatives)).toBeGreaterThan(30 * programs.length);
    } finally {
      files.remove();
    }
  },
  TIMEOUT,
);
