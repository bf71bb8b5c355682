import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
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

function newestMs(path: string): number {
  if (!existsSync(path)) return 0
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newestMs(join(path, name))))
}

const wanted = process.argv.slice(2)
if (wanted.includes('--help')) {
  process.stdout.write(
    'Builds the dashboard where it is missing or older than its sources.\n\n  --force  build in any case\n',
  )
} else {
  const upToDate =
    existsSync(BUILT) && statSync(BUILT).mtimeMs >= Math.max(...SOURCES.map((path) => newestMs(join(ROOT, path))))
  if (!upToDate || wanted.includes('--force')) {
    process.stderr.write('Building the dashboard…\n')
    const build = spawnSync('npm', ['run', '--silent', 'build', '-w', 'dashboard'], { cwd: ROOT, encoding: 'utf8' })
    if (build.status !== 0) {
      process.stderr.write(`${build.stdout}${build.stderr}\nThe dashboard could not be built.\n`)
      process.exitCode = 1
    }
  }
}
