import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const BUILT = join(ROOT, 'dashboard/build/index.html')
const SOURCES = [
  'dashboard/src',
  'dashboard/static',
  'dashboard/vite.config.ts',
  'dashboard/package.json',
  'package-lock.json',
]
const COMPILED_SOURCES = ['server', 'chaos', 'package-lock.json', 'package.json']

function newestMs(path: string): number {
  if (!existsSync(path)) return 0
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newestMs(join(path, name))))
}

const newestOf = (paths: readonly string[]) => Math.max(...paths.map((path) => newestMs(join(ROOT, path))))

/**
 * Types are stripped and compiled ahead of time, after each change of the sources: a service that had to do it itself
 * would keep the compiler's memory for good. The cache counts for the same flags only, so both come from package.json.
 */
function fillCompileCache(): void {
  const { npm_package_config_node_flags: flags, npm_package_config_compile_cache: cache } = process.env
  if (flags === undefined || cache === undefined) return
  const filled = join(ROOT, cache, 'filled')
  if (existsSync(filled) && statSync(filled).mtimeMs >= newestOf(COMPILED_SOURCES)) return
  const { status } = spawnSync(process.execPath, [...flags.split(' '), 'server/main.ts', '--help'], {
    cwd: ROOT,
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  })
  if (status !== 0) return
  mkdirSync(join(ROOT, cache), { recursive: true })
  writeFileSync(filled, '')
}

const wanted = process.argv.slice(2)
if (wanted.includes('--help')) {
  process.stdout.write(
    'Builds the dashboard where it is missing or older than its sources, and compiles the service where it never was.\n\n' +
      '  --force  build the dashboard in any case\n',
  )
} else {
  const upToDate = existsSync(BUILT) && statSync(BUILT).mtimeMs >= newestOf(SOURCES)
  if (!upToDate || wanted.includes('--force')) {
    process.stderr.write('Building the dashboard…\n')
    const build = spawnSync('npm', ['run', '--silent', 'build', '-w', 'dashboard'], { cwd: ROOT, encoding: 'utf8' })
    if (build.status !== 0) {
      process.stderr.write(`${build.stdout}${build.stderr}\nThe dashboard could not be built.\n`)
      process.exitCode = 1
    }
  }
  fillCompileCache()
}
