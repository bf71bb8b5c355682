import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** One file as the rules see it. `to` is a path from the root, or a package's name; `uses` are names and words of its code. */
type Source = { path: string; imports: { to: string; typeOnly: boolean }[]; uses: Set<string> }

/** Tests and what only they use: stand-ins, programs to be killed, recordings. */
const isTest = (path: string) => /(\.test|\.child|stand-in)\.ts$|^server\/fixtures\//.test(path)

/** Reads a file's imports and what of the world it uses, by the compiler's own parser: comments and strings say nothing. */
function read(path: string, text: string): Source {
  const code = path.endsWith('.svelte')
    ? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, script]) => script).join('\n')
    : text
  const source: Source = { path, imports: [], uses: new Set() }
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return
    const to = specifier.text
    source.imports.push({ to: to.startsWith('.') ? normalize(join(dirname(path), to)) : to, typeOnly })
  }
  const visit = (node: ts.Node) => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false)
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    if (ts.isPropertyAccessExpression(node)) source.uses.add(node.getText())
    if (ts.isNewExpression(node) && !node.arguments?.length) source.uses.add(`new ${node.expression.getText()}()`)
    if (ts.isIdentifier(node)) source.uses.add(node.text)
    if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) source.uses.add('async')
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(`${path}.ts`, code, ts.ScriptTarget.ESNext, true))
  return source
}

/** What a room of the server may import: other rooms or files of the server, and packages. Of itself it may import all. */
const ROOMS: Record<string, { server: readonly string[]; packages: RegExp }> = {
  contracts: { server: [], packages: /^zod$/ },
  analyse: { server: ['contracts'], packages: /^(simple-statistics|ml-regression)$/ },
  decide: { server: ['contracts'], packages: /^(simple-statistics|ml-regression)$/ },
  collect: { server: ['contracts', 'analyse', 'decide', 'errors.ts', 'log.ts'], packages: /^(node:.*|zod|dockerode)$/ },
  store: { server: ['contracts', 'analyse', 'decide', 'errors.ts', 'log.ts'], packages: /^(node:.*|zod|@duckdb\/.*)$/ },
  audit: {
    server: ['contracts', 'analyse', 'decide', 'errors.ts', 'log.ts'],
    packages: /^(node:.*|zod|canonicalize)$/,
  },
  diagnose: { server: ['contracts', 'analyse', 'decide', 'errors.ts', 'log.ts'], packages: /^(node:.*|zod|ollama)$/ },
  act: { server: ['contracts', 'analyse', 'decide', 'errors.ts', 'log.ts'], packages: /^(node:.*|zod|yaml)$/ },
  notify: {
    server: ['contracts', 'analyse', 'decide', 'errors.ts', 'log.ts'],
    packages: /^(node:.*|zod|standardwebhooks)$/,
  },
  http: {
    server: ['contracts', 'errors.ts', 'log.ts'],
    packages: /^(node:.*|zod|hono(\/.*)?|@hono\/zod-openapi|prom-client)$/,
  },
}

/** Libraries with one door each. */
const DOORS: readonly [library: RegExp, door: RegExp, sentence: string][] = [
  [
    /^dockerode$/,
    /^server\/collect\/docker-engine\.ts$|^chaos\/(inject\/|real-engine\.ts$)/,
    'only server/collect/docker-engine.ts imports dockerode, and whoever does faults to a real engine',
  ],
  [
    /^@duckdb\//,
    /^server\/store\/|^scripts\/bench\/store\.ts$/,
    'only server/store imports @duckdb, and the bench that is its reference',
  ],
  [/^ollama$/, /^server\/diagnose\/ollama\.ts$/, 'only server/diagnose/ollama.ts imports ollama'],
  [/^(hono(\/.*)?|@hono\/zod-openapi)$/, /^server\/http\//, 'only server/http imports hono'],
  [/^@hono\/node-server/, /^server\/listen\.ts$/, 'only server/listen.ts imports @hono/node-server'],
]

const IMPURE = [
  'async',
  'Promise',
  'process',
  'console',
  'fetch',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'crypto',
  'Date.now',
  'new Date()',
  'Math.random',
  'globalThis',
]

const within = (folder: string) => (path: string) => path === folder || path.startsWith(`${folder}/`)
const roomOf = (path: string) => /^server\/([^/]+)\//.exec(path)?.[1]
const isFile = (to: string) => /^(server|dashboard|reports|chaos|scripts|models)(\/|$)/.test(to)

/** The sentences of the rules that a file breaks. */
function broken(source: Source): string[] {
  const { path, imports, uses } = source
  const sentences = new Set<string>()
  const room = roomOf(path)
  const rules = room === undefined ? undefined : ROOMS[room]

  for (const { to, typeOnly } of imports) {
    if ((within('chaos')(to) || within('scripts')(to)) && !within('chaos')(path) && !within('scripts')(path))
      sentences.add('nobody outside chaos and scripts imports chaos or scripts')
    if (within('dashboard')(path) && within('server')(to) && !(typeOnly && path === 'dashboard/src/lib/api.ts'))
      sentences.add('the dashboard imports the server only as `import type`, in dashboard/src/lib/api.ts')
    if (isTest(path)) continue

    if (isFile(to) && isTest(to) && !within('scripts')(path))
      sentences.add('only tests and scripts import tests and what is theirs')
    if (rules !== undefined && room !== undefined) {
      const own = within(`server/${room}`)(to)
      const allowed = isFile(to)
        ? own || rules.server.some((other) => within(`server/${other}`)(to))
        : rules.packages.test(to)
      if (!allowed)
        sentences.add(`server/${room} imports ${[...rules.server, 'its own libraries'].join(', ')} and nothing else`)
    }
    if (within('reports')(path) && !within('reports')(to) && !within('server/contracts')(to))
      sentences.add('reports import server/contracts and nothing else')
    for (const [library, door, sentence] of DOORS) if (library.test(to) && !door.test(path)) sentences.add(sentence)
  }
  if (isTest(path)) return [...sentences]

  if (
    room === undefined &&
    /^server\/(errors|log|clock|signals)\.ts$/.test(path) &&
    imports.some(({ to }) => roomOf(to) && roomOf(to) !== 'contracts')
  )
    sentences.add('errors, log, clock and signals know no room')
  if ((room === 'analyse' || room === 'decide') && IMPURE.some((word) => uses.has(word)))
    sentences.add('analyse and decide are pure: no promises, clock, randomness, timers, process or network')
  if (uses.has('process.env') && !/^server\/(config|main)\.ts$|^scripts\/|^chaos\/(lab\/|real-engine\.ts$)/.test(path))
    sentences.add(
      'only server/config.ts, server/main.ts, scripts, the lab and the driver of a real engine read process.env',
    )
  return [...sentences]
}

function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !/(^|\/)(node_modules|build|\.svelte-kit|out)\//.test(path))
}

describe('who may import whom', () => {
  const files = ['server', 'reports', 'chaos', 'scripts', 'dashboard'].flatMap(filesOf)

  test('is kept by every file', () => {
    expect(files.length).toBeGreaterThan(100)
    const violations = files.flatMap((path) =>
      broken(read(path, readFileSync(join(ROOT, path), 'utf8'))).map((sentence) => `${path}: ${sentence}`),
    )
    expect(violations).toEqual([])
  })

  test('has a rule for every room', () => {
    const rooms = new Set(files.map(roomOf).filter((room) => room !== undefined && room !== 'fixtures'))
    expect([...rooms].filter((room) => ROOMS[room!] === undefined)).toEqual([])
  })
})

describe('a file that breaks a rule is caught:', () => {
  test.each([
    ['server/contracts/x.ts', "import { y } from '../analyse/risk.ts'", 'server/contracts imports'],
    ['server/contracts/x.ts', "import { readFileSync } from 'node:fs'", 'server/contracts imports'],
    ['server/analyse/x.ts', "import { advance } from '../decide/incident-machine.ts'", 'server/analyse imports'],
    ['server/analyse/x.ts', "import type { Log } from '../log.ts'", 'server/analyse imports'],
    ['server/analyse/x.ts', "import { hash } from 'node:crypto'", 'server/analyse imports'],
    ['server/analyse/x.ts', 'export const at = () => Date.now()', 'analyse and decide are pure'],
    ['server/decide/x.ts', 'export const at = () => new Date()', 'analyse and decide are pure'],
    ['server/decide/x.ts', 'export const roll = Math.random', 'analyse and decide are pure'],
    ['server/decide/x.ts', 'export async function decide() {}', 'analyse and decide are pure'],
    ['server/decide/x.ts', 'export const later = () => setTimeout(() => {}, 1)', 'analyse and decide are pure'],
    ['server/decide/x.ts', 'export const pid = process.pid', 'analyse and decide are pure'],
    ['server/store/x.ts', "import { createSampler } from '../collect/sampler.ts'", 'server/store imports'],
    ['server/audit/x.ts', "export { x } from '../store/database.ts'", 'server/audit imports'],
    ['server/act/x.ts', "const ollama = await import('../diagnose/ollama.ts')", 'server/act imports'],
    ['server/act/x.ts', "type Guard = import('../guard.ts').Guard", 'server/act imports'],
    ['server/diagnose/x.ts', "import { Hono } from 'hono'", 'server/diagnose imports'],
    ['server/collect/x.ts', "import lodash from 'lodash'", 'server/collect imports'],
    ['server/http/x.ts', "import { assess } from '../analyse/assess.ts'", 'server/http imports'],
    [
      'server/collect/sampler.ts',
      "import Docker from 'dockerode'",
      'only server/collect/docker-engine.ts imports dockerode',
    ],
    ['server/app.ts', "import { DuckDBInstance } from '@duckdb/node-api'", 'only server/store imports @duckdb'],
    ['server/diagnose/diagnose.ts', "import { Ollama } from 'ollama'", 'only server/diagnose/ollama.ts imports ollama'],
    ['server/service.ts', "import { Hono } from 'hono'", 'only server/http imports hono'],
    ['server/app.ts', "import { serve } from '@hono/node-server'", 'only server/listen.ts imports @hono/node-server'],
    [
      'server/http/x.ts',
      "import { serve } from '@hono/node-server'",
      'only server/listen.ts imports @hono/node-server',
    ],
    ['server/log.ts', "import { messageOf } from './store/database.ts'", 'errors, log, clock and signals know no room'],
    [
      'server/app.ts',
      "import { anIncident } from './decide/incident-stand-in.ts'",
      'only tests and scripts import tests and what is theirs',
    ],
    [
      'reports/x.ts',
      "import { advance } from '../server/decide/incident-machine.ts'",
      'reports import server/contracts',
    ],
    ['reports/x.ts', "import { readFileSync } from 'node:fs'", 'reports import server/contracts'],
    ['server/app.ts', "import { openHost } from '../chaos/simulated-host.ts'", 'nobody outside chaos and scripts'],
    [
      'server/guard.test.ts',
      "import { openHost } from '../chaos/simulated-host.ts'",
      'nobody outside chaos and scripts',
    ],
    ['reports/x.ts', "import { main } from '../scripts/verify.ts'", 'nobody outside chaos and scripts'],
    [
      'dashboard/src/lib/api.ts',
      "import { Light } from '../../../server/contracts/assessment.ts'",
      'the dashboard imports',
    ],
    [
      'dashboard/src/lib/Board.svelte',
      '<script lang="ts">import type { Light } from \'../../../server/contracts/assessment.ts\'</script>',
      'the dashboard imports',
    ],
    ['server/guard.ts', 'export const mode = process.env.DOCKERPULSE_MODE', 'only server/config.ts, server/main.ts'],
    ['reports/x.ts', 'export const { HOME } = process.env', 'only server/config.ts, server/main.ts'],
  ])('%s with %s', (path, text, sentence) => {
    expect(broken(read(path, text)).join('\n')).toContain(sentence)
  })

  test.each([
    ['server/analyse/x.ts', "// Date.now() in a process, async\nexport const text = 'Math.random process.env'"],
    [
      'server/analyse/x.ts',
      "import { mean } from 'simple-statistics'\nimport type { Sample } from '../contracts/telemetry.ts'",
    ],
    [
      'server/analyse/x.test.ts',
      "import { mean } from 'ml-regression'\nimport { aSample } from '../decide/incident-stand-in.ts'",
    ],
    [
      'server/app.ts',
      "import { advance } from './decide/incident-machine.ts'\nimport { assess } from './analyse/assess.ts'",
    ],
    [
      'scripts/x.ts',
      "import { openApp } from '../server/app.ts'\nimport { host } from '../chaos/fleet.ts'\nexport const e = process.env",
    ],
    ['dashboard/src/lib/api.ts', "import type { Light } from '../../../server/contracts/assessment.ts'"],
    ['server/collect/docker-engine.ts', "import Docker from 'dockerode'"],
  ])('and one that keeps them is not: %s with %s', (path, text) => expect(broken(read(path, text))).toEqual([]))
})
