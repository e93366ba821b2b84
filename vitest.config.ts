import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

/** Folders of test whose tests run once for each backend and each instruction set that this machine has. */
const ON_EVERY_BACKEND = ['ops', 'property', 'train'].map((folder) => `test/${folder}/**/*.test.ts`);
/** These run in Chromium with all others, and in Firefox. */
const IN_EVERY_BROWSER = ['test/browser/**/*.test.ts'];

const alias = {
  'twill/bench': new URL('src/bench/index.node.ts', import.meta.url).pathname,
  'twill/data': new URL('src/data/index.node.ts', import.meta.url).pathname,
  'twill/onnx': new URL('src/onnx/index.ts', import.meta.url).pathname,
  'twill/worker': new URL('src/worker/index.node.ts', import.meta.url).pathname,
  twill: new URL('src/index.node.ts', import.meta.url).pathname,
};

function instructionSets(): string[] {
  const addon = createRequire(import.meta.url)('./build/Release/twill.node') as { instructionSets: string[] };
  return addon.instructionSets;
}

/** Node 20 has neither relaxed SIMD nor threads to rely on; the browser tests try them in Chromium. */
const modern = parseInt(process.versions.node) >= 22;
const wasmInstructionSets = modern ? ['relaxed-simd128', 'simd128'] : ['simd128'];
const wasmThreads = modern ? [1, 2] : [1];

const backends = [
  ...instructionSets().map((isa) => ({
    name: `native-${isa}`,
    env: { TWILL_BACKEND: 'native', TWILL_ISA: isa },
  })),
  ...wasmInstructionSets.flatMap((isa) =>
    wasmThreads.map((threads) => ({
      name: `wasm-${isa}${threads > 1 ? '-threads' : ''}`,
      env: { TWILL_BACKEND: 'wasm', TWILL_ISA: isa, OMP_NUM_THREADS: String(threads) },
    })),
  ),
];

// The environment reaches the addon only in a process of its own: worker threads see a copy.
const common = { pool: 'forks' as const, testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  resolve: { alias },
  test: {
    maxWorkers: 2,
    projects: [
      ...backends.map(({ name, env }) => ({
        extends: true as const,
        test: { ...common, name, env, include: ON_EVERY_BACKEND, testTimeout: 120_000 },
      })),
      {
        extends: true as const,
        test: {
          ...common,
          name: 'once',
          include: ['test/**/*.test.ts'],
          exclude: [...ON_EVERY_BACKEND, 'test/install/wide/**'],
        },
      },
      {
        extends: true as const,
        test: {
          ...common,
          name: 'firefox',
          env: { TWILL_BROWSER: 'firefox' },
          include: IN_EVERY_BROWSER,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
