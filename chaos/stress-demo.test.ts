import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { clean } from './stress-demo-terminal.ts'
import { languageOf, WORDS } from './stress-demo-words.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const DOOR = join(ROOT, 'chaos/stress-demo.sh')
const PATIENCE_MS = 95_000
/** At more, a disk that is busy with other tests for two seconds takes from the service all the time that it has. */
const SPEED = '2'
const scratch = mkdtempSync(join(tmpdir(), 'dockerpulse-stress-demo-test-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Runs the demo as somebody without a display would, unattended; `onText` hears what was said so far. */
async function runDemo(
  args: string[],
  onText: (said: string, child: ChildProcess) => void = () => {},
): Promise<{ code: number | null; out: string; err: string }> {
  const { DISPLAY: _, WAYLAND_DISPLAY: __, DOCKERPULSE_TOKEN: ___, ...env } = process.env
  const child = spawn(DOOR, args, {
    cwd: scratch,
    env: { ...env, OLLAMA_HOST: '', LANG: 'C', LC_ALL: '', TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
    onText(out, child)
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

const leftInScratch = () => readdirSync(scratch).filter((name) => name.startsWith('dockerpulse-'))

describe('the demo for an audience', { timeout: PATIENCE_MS, retry: 1 }, () => {
  test('unattended, in Spanish: calm, attack, healing, and a report that can be verified', async () => {
    const report = join(scratch, 'informe.html')
    const { code, out, err } = await runDemo(['--yes', '--lang', 'es', '--speed', SPEED, '--out', report])
    expect({ code, err }).toEqual({ code: 0, err: '' })

    const { calm, attack, healing, incident, cause, action, report: ending } = WORDS.es
    const victim = 'webshop-shop-api-1'
    const inOrder = [
      'http://127.0.0.1:',
      calm.title,
      calm.containers(12),
      attack.title,
      attack.about(victim),
      incident(victim, cause['memory-limit']),
      healing.title,
      'confidence',
      action.verified,
      ending.title,
      ending.saved('informe.html'),
    ]
    const places = inOrder.map((text) => out.indexOf(text))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(out).toMatch(/▲ crítico {2}probabilidad \d+ %/)
    expect(out).not.toContain('\x1b')

    const page = readFileSync(report, 'utf8')
    expect(page).toContain(victim)
    expect(page).toMatch(/forced restart/i)
    const [, folder, key] = /verify -- --chain --data (\S+) --key (\S+)/.exec(out)!
    expect(page).toContain(/stress-demo-([0-9a-f]{8})$/.exec(folder!)![1])
    expect(existsSync(join(folder!, 'audit/key.pem'))).toBe(false)
    const verified = promisify(execFile)(process.execPath, [
      join(ROOT, 'scripts/verify.ts'),
      ...['--chain', '--data', folder!, '--key', key!],
    ])
    expect((await verified).stdout).toContain('The audit log holds')
    expect(leftInScratch()).toEqual([])
  })

  test('Ctrl-C in the middle stops all that it started', async () => {
    let url = ''
    let isAsked = false
    const { code, out } = await runDemo(['--yes', '--lang', 'en', '--speed', SPEED], (said, child) => {
      url = /http:\/\/\S+/.exec(said)?.[0] ?? ''
      if (isAsked || !said.includes(WORDS.en.attack.title)) return
      isAsked = true
      child.kill('SIGINT')
    })
    expect(code).toBe(130)
    expect(out).not.toContain(WORDS.en.healing.title)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
    expect(leftInScratch()).toEqual([])
  })
})

test('--help says what it does and what the exit code means', async () => {
  const { code, out } = await runDemo(['--help'])
  expect(code).toBe(0)
  for (const text of ['--lang', '--url', '--token', '--victim', '--yes', 'Exit code 0', 'Ctrl-C'])
    expect(out).toContain(text)
})

test.for([
  [['--lang', 'fr', '--yes'], 'Allowed choices are en, es'],
  [['--fast'], "unknown option '--fast'"],
  [['--yes', 'everything'], 'too many arguments'],
  [['--yes', '--speed', '0'], 'expected a number from 0.5 to 20'],
  [['--yes', '--victim', 'shop'], '--victim goes with --url'],
  [['--yes', '--url', 'http://127.0.0.1:9', '--speed', '2'], '--speed goes without --url'],
  [['--yes', '--url', 'ftp://127.0.0.1'], 'expected an address like'],
  [['--yes', '--url', 'http://me:secret@127.0.0.1:1'], 'give the token with --token'],
  [[], 'give --yes'],
] as const)('%j is refused', async ([args, message], { expect: check }) => {
  const { code, err } = await runDemo([...args])
  check(code).toBe(1)
  check(err).toContain(message)
  check(err).not.toContain('secret')
})

test('an address where nothing answers, somebody else answers, or a token is wanted', async () => {
  const strangers = createServer((request, response) => {
    response.statusCode = request.headers.host?.startsWith('localhost') ? 401 : 200
    response.end('<h1>\x1b[31mit works</h1>')
  })
  await new Promise<void>((resolve) => strangers.listen(0, '127.0.0.1', resolve))
  const { port } = strangers.address() as AddressInfo
  const [stranger, locked, wrong] = await Promise.all([
    runDemo(['--yes', '--url', `http://127.0.0.1:${port}`]),
    runDemo(['--yes', '--url', `http://localhost:${port}`]),
    runDemo(['--yes', '--url', `http://localhost:${port}`, '--token', 'not-the-right-one']),
  ])
  strangers.closeAllConnections()
  await new Promise((resolve) => strangers.close(resolve))
  const nobody = await runDemo(['--yes', '--url', `http://127.0.0.1:${port}`])
  expect([stranger, locked, wrong, nobody].map(({ code }) => code)).toEqual([1, 1, 1, 1])
  expect(stranger.err).toContain('is not a DockerPulse')
  expect(stranger.err).not.toContain('\x1b')
  expect(locked.err).toContain('wants its token: give it with --token')
  expect(wrong.err).toContain('does not take this token')
  expect(wrong.err).not.toContain('not-the-right-one')
  expect(nobody.err).toContain(`no service answers at http://127.0.0.1:${port}`)
  expect(nobody.err).toContain('npm run demo')
})

test('what a container says cannot command the terminal', () => {
  expect(clean('shop\x1b]0;owned\x07\x1b[2J\u202egnp\u200b\x9b1m\r\nroot#')).toBe('shop]0;owned[2Jgnp1m root#')
  expect(clean('x'.repeat(5_000))).toHaveLength(400)
})

test('the language is that of the environment', () => {
  expect(languageOf({ LANG: 'es_ES.UTF-8' })).toBe('es')
  expect(languageOf({ LANG: 'es_ES.UTF-8', LC_ALL: 'en_GB.UTF-8' })).toBe('en')
  expect(languageOf({ LANG: 'est' })).toBe('en')
  expect(languageOf({})).toBe('en')
})
