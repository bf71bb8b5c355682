const WIDTH = 30

/** A bar on standard error, only where that is a terminal. `done` and `total` in the same unit. */
export function showProgress(done: number, total: number, file: string): void {
  if (!process.stderr.isTTY) return
  const filled = Math.round((WIDTH * done) / total)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`
  const percent = `${Math.floor((100 * done) / total)} %`.padStart(5)
  const room = Math.max(0, (process.stderr.columns ?? 80) - WIDTH - 9)
  process.stderr.write(`\r\u001b[K${bar} ${percent} ${file.slice(-room)}`)
}

/** Takes the bar away. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}
