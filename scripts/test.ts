import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openRealEngine } from '../chaos/real-engine.ts'
import { findChromium } from './browser.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const args = process.argv.slice(2)

if (args.includes('--help')) {
  process.stdout.write(
    'npm test [-- FILTER…]\n\nType check, lint, unit, integration and browser tests. What a machine lacks is skipped and said;\n' +
      'DOCKERPULSE_TEST_REQUIRE=all makes it fail instead.\n',
  )
  process.exit(0)
}

const engine = await openRealEngine().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
await engine?.[Symbol.asyncDispose]()

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-test-'))
const results = join(folder, 'results.json')
const vitest = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    ...args,
  ],
  { cwd: ROOT, stdio: 'inherit' },
)

if (engine === null)
  process.stdout.write(
    'Skipped the tests on a real Docker engine: start one or set DOCKER_HOST (needs /bin/busybox from busybox-static), or run .ci/run.\n',
  )
if (findChromium() === null)
  process.stdout.write(
    'Skipped the browser test: install Chromium or set DOCKERPULSE_TEST_CHROMIUM to its path, or run .ci/run.\n',
  )
try {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(results, 'utf8'))
  process.stdout.write(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = vitest.status ?? 1
