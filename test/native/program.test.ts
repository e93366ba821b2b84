import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import { native } from '../runtime-backends.js';
import { executable } from './executables.js';
import { drawPrograms } from './networks.js';

/** Networks that are drawn, each with nine programs; TWILL_TEST_RUNS=2000 for a night. */
const NETWORKS = Number(process.env.TWILL_TEST_RUNS ?? 20);
const SEED = Number(process.env.TWILL_TEST_SEED ?? 1);

const build = new URL('../../build/test/', import.meta.url);

const RANDOM = 'programs of random networks, every operand between pages that nobody may touch,';

/** Sanitizers make them some ten times as long. */
const TIMEOUT = 120_000 + 5000 * NETWORKS;

describe(RANDOM, { timeout: TIMEOUT }, () => {
  let folder: string;
  let files: string[] = [];

  beforeAll(() => {
    mkdirSync(build, { recursive: true });
    folder = mkdtempSync(fileURLToPath(new URL('programs-', build)));
    const programs = drawPrograms(native(nativeInstructionSets()[0]!), NETWORKS, SEED);
    files = programs.map((_, at) => `${SEED}-${at}`); // in the folder: a command line has its limit
    programs.forEach((words, at) => writeFileSync(`${folder}/${files[at]}`, words));
  }, TIMEOUT);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const bits = new Map<string, string>();

  /** program_test.cc says which file broke what, and a last line of `240 programs, 0 failed, bits 02f49f452c926a65`. */
  it.each(nativeInstructionSets())('leave the same on one thread, two and three, on %s', (isa) => {
    const env = { ...process.env, OMP_WAIT_POLICY: 'passive' }; // thousands of short runs
    const output = execFileSync(executable('program_test', isa), files, {
      encoding: 'utf8',
      env,
      cwd: folder,
    });
    const [, count, hash] = /(\d+) programs, 0 failed, bits (\w+)\n$/.exec(output)!;
    expect(Number(count)).toBeGreaterThanOrEqual(NETWORKS);
    bits.set(isa, hash!);
  });

  it('leave the same bits wherever multiply-adds are fused', () => {
    bits.delete('sse2');
    expect(new Set(bits.values()).size).toBeLessThanOrEqual(1);
  });
});
