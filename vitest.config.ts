import { configDefaults, defineConfig } from 'vitest/config'

/** Builds images and runs the whole stack: a command of its own, `npm run test:stack`. */
const STACK = 'chaos/lab/stack.test.ts'

export default defineConfig({
  test: {
    include: ['{server,chaos,scripts,reports}/**/*.test.ts', 'dashboard/src/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(process.env.DOCKERPULSE_TEST_STACK ? [] : [STACK])],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
