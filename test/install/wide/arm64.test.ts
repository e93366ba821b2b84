import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildOf, crossBuild } from '../../../npm/build.js';
import { executable } from '../../native/executables.js';
import { drawPrograms } from '../../native/networks.js';
import { ProgramFiles } from '../../native/program-files.js';
import { native } from '../../runtime-backends.js';

const PLATFORM = 'linux-arm64-gnu';
const tests = join(buildOf(PLATFORM), 'test');

const QEMU = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'];

/** The last line that a kernels' test prints, of this machine where no emulator is named. */
const run = (program: string, args: readonly string[], emulator: readonly string[] = []) => {
  const [first, ...rest] = [...emulator, program, ...args];
  return execFileSync(first!, rest, { encoding: 'utf8' }).trim().split('\n').at(-1);
};

describe('the addon for 64-bit ARM, cross-built,', () => {
  beforeAll(() => crossBuild(PLATFORM));

  it('has kernels that agree with float64 loops under qemu, and with AVX2 to the bit', () => {
    const cases = ['300', '1'];
    const printed = run(join(tests, 'conv2d_test_neon'), cases, QEMU);
    expect(printed).toMatch(/^300 cases, 0 failed, bits \w+$/);
    expect(printed).toBe(run(executable('conv2d_test', 'avx2'), cases));
  });

  it('computes programs of random networks to the bits of AVX2, on one thread and on three', () => {
    const files = new ProgramFiles(drawPrograms(native('avx2'), 5, 1), 1);
    try {
      const printed = files.feed([...QEMU, join(tests, 'program_test_neon')]);
      expect(printed).toMatch(/\d+ programs, 0 failed, bits \w+\n$/);
      expect(printed).toBe(files.feed([executable('program_test', 'avx2')]));
    } finally {
      files.remove();
    }
  });
});
