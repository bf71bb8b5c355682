import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import { FOLDER_PREFIX } from './helper.ts'
import { PLACES_IN_MEMORY } from './host-helper.ts'
import { endMarkedProcesses, foldersBeginning, markedProcesses, removeFolder } from './host-processes.ts'
import type { DeedRecord, Journal } from './journal.ts'
import { HELPER_VALUE, MARK_LABEL } from './noisy-neighbour.ts'
import { takeBackOne } from './take-back.ts'
import { CHAOS_LABEL, ifThere, PROJECT_LABEL, victimFacts } from './victim-facts.ts'

/** Calls that a killed runner had sent have arrived at the engine after so long, and can be found. */
const IN_FLIGHT_MS = 1_500
const MOST_TRIES = 3

/** What was found of former runs: what it was, and why it is still there, or `null`. */
export type Leftover = { what: string; reason: string | null }

/** Takes the whole deed back, as far as it can be; the reasons of what could not. */
export async function takeBackDeed(docker: Docker, { undo }: Pick<DeedRecord, 'undo'>): Promise<string | null> {
  const reasons: string[] = []
  // The last thing done is the first taken back, as ever.
  for (const one of undo.toReversed()) {
    const reason = await takeBackOne(docker, one)
    if (reason !== null) reasons.push(reason)
  }
  return reasons.length === 0 ? null : reasons.join('; ')
}

/** In the middle of a restart the engine refuses what it does a moment later. */
async function takeBackPatiently(docker: Docker, deed: DeedRecord): Promise<string | null> {
  let reason = await takeBackDeed(docker, deed)
  for (let again = 1; reason !== null && again < MOST_TRIES; again++) {
    await sleep(IN_FLIGHT_MS)
    reason = await takeBackDeed(docker, deed)
  }
  return reason
}

/** Takes back every open deed of the journal, then whatever bears a mark of this scope. */
export async function cleanUp(options: {
  docker: Docker
  journal: Journal
  scope: string
  labProject: string | null
  now: () => Date
}): Promise<Leftover[]> {
  const { docker, journal, scope, labProject, now } = options
  const open = journal.records().filter(({ takenBackAt }) => takenBackAt === null)
  const youngest = Math.max(...open.map(({ at }) => at))
  const restMs = youngest + IN_FLIGHT_MS - now().getTime()
  if (restMs > 0) await sleep(Math.min(restMs, IN_FLIGHT_MS))
  const leftovers: Leftover[] = []
  for (const deed of open.toReversed()) {
    const reason = await takeBackPatiently(docker, deed)
    if (reason === null) journal.end(deed.id, now().getTime())
    leftovers.push({ what: deed.what, reason })
  }
  return [...leftovers, ...(await cleanUpMarks(docker, scope, labProject))]
}

async function cleanUpMarks(docker: Docker, scope: string, labProject: string | null): Promise<Leftover[]> {
  const prefix = `${scope}-`
  const leftovers: Leftover[] = []
  const helpers = await docker.listContainers({ all: true, filters: { label: [`${CHAOS_LABEL}=${HELPER_VALUE}`] } })
  for (const { Id, Names, Labels } of helpers) {
    if (!Labels[MARK_LABEL]?.startsWith(prefix)) continue
    const reason = await takeBackOne(docker, { kind: 'helper-container', name: Id })
    leftovers.push({ what: `helper container ${Names[0] ?? Id}`, reason })
  }
  for (const { pid } of markedProcesses(prefix)) leftovers.push({ what: `helper process ${pid}`, reason: null })
  await endMarkedProcesses(prefix)
  const labels = labProject === null ? [CHAOS_LABEL] : [CHAOS_LABEL, `${PROJECT_LABEL}=${labProject}`]
  const ids = new Set<string>()
  for (const label of labels)
    for (const { Id } of await docker.listContainers({ all: true, filters: { label: [label] } })) ids.add(Id)
  for (const id of ids) leftovers.push(...(await cleanUpFolders(docker, id, `${FOLDER_PREFIX}${prefix}`)))
  return leftovers
}

async function cleanUpFolders(docker: Docker, id: string, prefix: string): Promise<Leftover[]> {
  const found = await ifThere(docker.getContainer(id).inspect())
  if (found === null) return []
  const { pid } = victimFacts(found)
  const upper = (found.GraphDriver?.Data as { UpperDir?: string } | undefined)?.UpperDir
  const root = pid !== null ? `/proc/${pid}/root` : found.State.Running ? undefined : upper
  if (root === undefined) return []
  return ['', ...PLACES_IN_MEMORY].flatMap((place) =>
    foldersBeginning(`${root}${place}`, prefix).map((name) => ({
      what: `helper folder ${name}`,
      reason: removeFolder(`${root}${place}/${name}`),
    })),
  )
}
