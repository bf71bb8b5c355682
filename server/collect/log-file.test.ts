import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { openLogFile } from './log-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-log-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function logFile(content = '') {
  const path = join(folder, `${++files}-json.log`)
  writeFileSync(path, content)
  return path
}
function opened(path: string) {
  const log = openLogFile(path)!
  onTestFinished(() => log.close())
  return log
}
const line = (text: string) => `${JSON.stringify({ log: `${text}\n`, stream: 'stdout', time: '' })}\n`

test('counts what is written after it was opened', () => {
  const path = logFile(line('ERROR before'))
  const log = opened(path)
  log.read()
  expect(log.errorLines).toBe(0)
  appendFileSync(path, line('ERROR one') + line('fine') + line('ERROR two'))
  log.read()
  expect(log.errorLines).toBe(2)
  log.read()
  expect(log.errorLines).toBe(2)
})

test('a line that is still being written is counted once, when it is complete', () => {
  const path = logFile()
  const log = opened(path)
  const whole = line('ERROR in two pieces')
  appendFileSync(path, whole.slice(0, 15))
  log.read()
  expect(log.errorLines).toBe(0)
  appendFileSync(path, whole.slice(15))
  log.read()
  log.read()
  expect(log.errorLines).toBe(1)
})

test('goes on in the new file after the engine has rotated it, from its beginning', () => {
  const path = logFile(line('old'))
  const log = opened(path)
  renameSync(path, `${path}.1`)
  writeFileSync(path, line('ERROR in the new one'))
  for (let read = 0; read < 12; read++) log.read()
  expect(log.errorLines).toBe(1)
  appendFileSync(path, line('ERROR again'))
  log.read()
  expect(log.errorLines).toBe(2)
})

test('goes on at the beginning where somebody has emptied it', () => {
  const path = logFile(line('x').repeat(50))
  const log = opened(path)
  truncateSync(path)
  appendFileSync(path, line('ERROR after'))
  for (let read = 0; read < 12; read++) log.read()
  expect(log.errorLines).toBe(1)
})

test('more than it reads at a time is passed over, the newest is read', () => {
  const path = logFile()
  const log = opened(path)
  appendFileSync(path, line('ERROR flood').repeat(20_000))
  for (let read = 0; read < 4; read++) log.read()
  expect(log.errorLines).toBeGreaterThan(1_000)
  expect(log.errorLines).toBeLessThan(4_000)
  appendFileSync(path, line('ERROR newest'))
  const before = log.errorLines!
  log.read()
  expect(log.errorLines).toBe(before + 1)
})

test('one endless line without a newline does not stop it', () => {
  const path = logFile()
  const log = opened(path)
  appendFileSync(path, 'x'.repeat(200_000))
  for (let read = 0; read < 4; read++) log.read()
  appendFileSync(path, `\n${line('ERROR behind it')}`)
  log.read()
  expect(log.errorLines).toBe(1)
})

test('what is not a plain file that can be read is not opened', () => {
  expect(openLogFile(join(folder, 'missing'))).toBeNull()
  const link = join(folder, 'link')
  symlinkSync(logFile(line('ERROR elsewhere')), link)
  expect(openLogFile(link)).toBeNull()
  mkdirSync(join(folder, 'folder'))
  const directory = openLogFile(join(folder, 'folder'))
  directory?.read()
  expect(directory?.errorLines ?? null).toBeNull()
})

test('closed, it knows nothing and holds no descriptor', () => {
  const descriptors = () => readdirSync('/proc/self/fd').length
  const before = descriptors()
  const log = openLogFile(logFile())!
  expect(descriptors()).toBe(before + 1)
  log.close()
  log.close()
  log.read()
  expect(log.errorLines).toBeNull()
  expect(descriptors()).toBe(before)
})
