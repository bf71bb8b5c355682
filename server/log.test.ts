import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Runs `code` with a log of its own process, and gives what it wrote. */
function written(code: string, level = 'info'): { stdout: string; stderr: string; lines: Record<string, unknown>[] } {
  const module = JSON.stringify(new URL('./log.ts', import.meta.url).href)
  const program = `import { createLog } from ${module}; const log = createLog('${level}'); ${code}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  return {
    stdout,
    stderr,
    lines: stderr
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  }
}

test('a line is JSON with level, time and message, on standard error alone', () => {
  const { stdout, lines } = written(`log.warn({ containerId: 'a' }, 'container could not be inspected')`)
  expect(stdout).toBe('')
  expect(lines).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      containerId: 'a',
      msg: 'container could not be inspected',
    },
  ])
})

test('secrets never reach it, at any depth that is logged', () => {
  const fields = ['token', 'password', 'secret', 'authorization', 'cookie']
  const secrets = `{ ${fields.map((field) => `${field}: 'hunter2'`).join(', ')}, kept: 'shown' }`
  const { stderr, lines } = written(
    `log.info(${secrets}, 'a'); log.info({ headers: ${secrets} }, 'b'); log.info({ request: { headers: ${secrets} } }, 'c')`,
  )
  expect(lines).toHaveLength(3)
  expect(stderr).not.toContain('hunter2')
  expect(stderr.match(/\[secret\]/g)).toHaveLength(3 * fields.length)
  expect(stderr.match(/shown/g)).toHaveLength(3)
})

test('what is below the level is not written', () => {
  expect(written(`log.debug('a'); log.info('b'); log.error('c')`, 'error').lines).toMatchObject([{ msg: 'c' }])
  expect(written(`log.error('c')`, 'silent').stderr).toBe('')
})

test('a line break in a value does not make a second line', () => {
  expect(written(`log.info({ reason: 'a\\n{"level":"error"}' }, 'b')`).lines).toHaveLength(1)
})
