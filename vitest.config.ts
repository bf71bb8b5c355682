import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{server,chaos,scripts,reports}/**/*.test.ts', 'dashboard/src/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
