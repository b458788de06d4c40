import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Suffixes name the environment: `.test.ts` runs everywhere with nothing but Node; `.slow.test.ts`, and `.pg.test.ts`,
// `.py.test.ts` and `.redis.test.ts`, belong to `npm run test:slow` and `npm run test:services`, so that `npm test` stays short on two cores.
// `.chaos.test.ts` (`npm run test:chaos`) break whole instances: one after the other, so that each breaks alone.
const slow = ['{apps,libs,bench}/**/src/**/*.slow.test.ts'];
const services = ['{apps,libs,bench}/**/src/**/*.{pg,py,redis}.test.ts'];
const chaos = ['{apps,libs,bench}/**/src/**/*.chaos.test.ts'];
const only = { slow, services, chaos }[process.env.SINEW_TEST_SUITE ?? ''];

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('..', import.meta.url)),
    include: only ?? ['{apps,libs,bench}/**/src/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', ...(only ? [] : [...slow, ...services, ...chaos])],
    pool: 'forks',
    maxWorkers: only === chaos ? 1 : 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
