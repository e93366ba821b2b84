import { defineConfig } from 'vitest/config';

/** `npm run test:install`: what takes too long, or needs too much from the registry, for `npm test`. */
export default defineConfig({
  test: {
    name: 'install',
    include: ['test/install/wide/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
