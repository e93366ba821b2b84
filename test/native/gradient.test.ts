import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { nativeInstructionSets } from '../../src/backend/native.node.js';
import { native } from '../runtime-backends.js';
import { drawGradients } from './gradients.js';

const NETWORKS = Number(process.env.TWILL_TEST_RUNS ?? 20);
const SEED = Number(process.env.TWILL_TEST_SEED ?? 1);

const build = fileURLToPath(new URL('../../build/test/', import.meta.url));

it('the same kernels in float64 give the gradients of finite differences, in networks drawn at random', () => {
  mkdirSync(build, { recursive: true });
  const folder = mkdtempSync(join(build, 'gradients-'));
  try {
    const files = drawGradients(native(nativeInstructionSets()[0]!), NETWORKS, SEED).map((words, at) => {
      const file = join(folder, `${SEED}-${at}`);
      writeFileSync(file, words);
      return file;
    });
    const output = execFileSync(join(build, 'gradient_test'), files, { encoding: 'utf8' });
    expect(output).toMatch(/^\d+ derivatives of \d+ programs, 0 failed\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 600_000);
