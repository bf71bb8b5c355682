import { expect, test } from 'vitest'
import { errorLinesIn, isErrorLine } from './error-lines.ts'

test.for([
  '2026-11-25 10:15:00.123 ERROR 7 --- [main] o.s.boot.SpringApplication: Application run failed',
  'ERROR:root:cannot connect',
  '[ERROR] [MY-010119] [Server] Aborting',
  '2026-11-25 10:15:00 UTC [71] FATAL:  sorry, too many clients already',
  'SEVERE: Servlet.service() threw exception',
  'time="2026-11-25T10:15:00Z" level=error msg="dial tcp: connection refused"',
  '{"level":"error","msg":"pool exhausted"}',
  '{"level": "fatal", "msg": "no space left"}',
  '{"level":50,"time":1795157120585,"msg":"boom"}',
  String.raw`{\"level\":\"error\",\"msg\":\"escaped as in the engine's JSON\"}`,
  String.raw`{\"level\":60,\"msg\":\"pino in the engine's JSON\"}`,
  '{"severity":"CRITICAL","message":"x"}',
  '{"t":{"$date":"2026-11-25T10:15:00.000Z"},"s":"E","c":"NETWORK","msg":"x"}',
  '2026/11/25 10:15:00 [error] 29#29: *1 upstream timed out (110: Connection timed out)',
  '[Wed Nov 25 10:15:00 2026] [core:error] [pid 7] AH00037: x',
  'Error: connect ECONNREFUSED 10.0.0.5:5432',
  '2026-11-25 error: out of cheese',
  'panic: runtime error: index out of range',
  'Traceback (most recent call last):',
  'ValueError: invalid literal for int()',
  'java.lang.NullPointerException',
  'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space',
  'E1125 10:15:00.000000       1 reflector.go:138] failed to list',
  String.raw`\u001b[31merror\u001b[39m: coloured by winston`,
  String.raw`\u001b[31mERROR\u001b[0m coloured in the engine's JSON`,
])('an error: %s', (line) => {
  expect(isErrorLine(line)).toBe(true)
})

test.for([
  '',
  'listening on port 8080',
  'level=info msg="request handled" errors=0',
  '{"level":"info","msg":"0 errors"}',
  '{"level":"warn","msg":"request queue is growing","waiting":12}',
  '{"level":30,"msg":"50 requests"}',
  '10.20.0.7 - - "GET /error HTTP/1.1" 404 153 "-" "Mozilla/5.0"',
  'no-ERROR-here',
  'ERRORS: 0',
  '    at Object.<anonymous> (/app/server.js:12:9)',
  '  File "/app/main.py", line 3, in <module>',
  'the error rate is low',
  'loaded ErrorBoundary and ExceptionMapper',
  '{"t":{},"s":"I","msg":"ok"}',
])('not an error: %s', (line) => {
  expect(isErrorLine(line)).toBe(false)
})

const inJson = (text: string) =>
  `${JSON.stringify({ log: `${text}\n`, stream: 'stderr', time: '2026-11-25T10:15:00Z' })}\n`

test('lines of the engine’s JSON files, plain lines, and a last one that is not complete', () => {
  const piece = [
    inJson('{"level":"error","msg":"boom"}'),
    inJson('all is well'),
    inJson('Error: connect ECONNREFUSED'),
    inJson('    at TCPConnectWrap.afterConnect (node:net:1611:16)'),
    inJson('\x1b[31mERROR\x1b[0m coloured'),
    'ERROR plain\n',
    'FATAL without an end',
  ].join('')
  expect(errorLinesIn(piece)).toBe(5)
  expect(errorLinesIn('')).toBe(0)
})

test('what a hostile line says far behind its beginning is not looked at, and its length costs nothing', () => {
  expect(isErrorLine(`${'x'.repeat(1_000)} ERROR`)).toBe(false)
  const hostile = ['A'.repeat(65_536), 'level'.repeat(13_000), '[error'.repeat(10_000), '\\u001b['.repeat(9_000)].join(
    '\n',
  )
  expect(errorLinesIn(hostile)).toBe(0)
})
