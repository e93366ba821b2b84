import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildOf, crossBuild } from '../../../npm/build.js';

const PLATFORM = 'linux-arm64-gnu';
const tests = join(buildOf(PLATFORM), 'test');

/** A kernels' test, of this machine where no emulator is named, and the last line that it prints. */
const run = (program: string, emulator: readonly string[] = []) => {
  const [first, ...rest] = [...emulator, program, '300', '1'];
  return execFileSync(first!, rest, { encoding: 'utf8' }).trim().split('\n').at(-1);
};

describe('the addon for 64-bit ARM, cross-built,', () => {
  beforeAll(() => crossBuild(PLATFORM));

  it('has kernels that agree with float64 loops under qemu, and with AVX2 to the bit', () => {
    const printed = run(join(tests, 'conv2d_test_neon'), ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']);
    expect(printed).toMatch(/^300 cases, 0 failed, bits \w+$/);
    expect(printed).toBe(run('build/test/conv2d_test_avx2'));
  });
});
