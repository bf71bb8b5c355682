/**
 * Started beside every runner, in a session of its own: when the pipe from the runner closes, however that ended, it
 * takes back what the runner has left. While a runner hangs it takes back what is overdue.
 */

const LOOK_EVERY_MS = 2_000
/** A runner that lives takes its faults back itself, in time. */
const OVERDUE_MS = 5_000

export type WatchdogOptions = {
  dockerHost: string
  journalFolder: string
  lockName: string
}

async function openDeeds({ journalFolder }: WatchdogOptions) {
  const { hasJournal, openJournal } = await import('./journal.ts')
  // The folder of a run that has ended well may be gone.
  if (!hasJournal(journalFolder)) return null
  const journal = openJournal(journalFolder)
  return { journal, open: journal.records().filter(({ takenBackAt }) => takenBackAt === null) }
}

async function openEngine({ dockerHost }: WatchdogOptions) {
  const [{ default: Docker }, { parseDockerAddress }, leftovers] = await Promise.all([
    import('dockerode'),
    import('../../server/collect/docker-address.ts'),
    import('./leftovers.ts'),
  ])
  return { docker: new Docker(parseDockerAddress({ dockerHost }).connection), ...leftovers }
}

async function takeBackOverdue(options: WatchdogOptions): Promise<void> {
  const deeds = await openDeeds(options)
  const overdue = (deeds?.open ?? []).filter(({ untilMs }) => untilMs < Date.now() - OVERDUE_MS)
  if (deeds === null || overdue.length === 0) return
  const { docker, takeBackDeed } = await openEngine(options)
  for (const deed of overdue) if ((await takeBackDeed(docker, deed)) === null) deeds.journal.end(deed.id, Date.now())
}

async function cleanUpAfterRunner(options: WatchdogOptions): Promise<void> {
  const deeds = await openDeeds(options)
  if (deeds === null || deeds.open.length === 0) return
  const { takeHostLock } = await import('./host-lock.ts')
  await using _lock = await takeHostLock(options.lockName, 'watchdog')
  const { docker, cleanUp } = await openEngine(options)
  await cleanUp({ docker, journal: deeds.journal, scope: options.lockName, labProject: null, now: () => new Date() })
}

const options = JSON.parse(process.argv[2] ?? '{}') as WatchdogOptions
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
let looking: Promise<unknown> = Promise.resolve()
const timer = setInterval(() => {
  looking = looking.then(() => takeBackOverdue(options)).catch(() => {})
}, LOOK_EVERY_MS)
process.stdin.resume()
process.stdin.on('close', async () => {
  clearInterval(timer)
  await looking
  // A next runner that was faster has the lock and does the same.
  await cleanUpAfterRunner(options).catch(() => {})
  process.exit(0)
})
