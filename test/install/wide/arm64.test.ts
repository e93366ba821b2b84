import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildOf, crossBuild } from '../../../npm/build.js';
import { drawPrograms } from '../../native/networks.js';
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
    expect(printed).toBe(run('build/test/conv2d_test_avx2', cases));
  });

  it('computes programs of random networks to the bits of AVX2, on one thread and on three', () => {
    const folder = mkdtempSync(join(tests, 'programs-'));
    try {
      const files = drawPrograms(native('avx2'), 5, 1).map((words, at) => {
        const file = join(folder, String(at));
        writeFileSync(file, words);
        return file;
      });
      const printed = run(join(tests, 'program_test_neon'), files, QEMU);
      expect(printed).toMatch(/^\d+ programs, 0 failed, bits \w+$/);
      expect(printed).toBe(run('build/test/program_test_avx2', files));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
