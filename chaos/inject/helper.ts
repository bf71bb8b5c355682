import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import { AppError, messageOf } from '../../server/errors.ts'
import { tarArchive } from '../tar.ts'
import { type HelperWork, helperScript } from './helper-script.ts'
import { endMarkedProcesses, MARK_VARIABLE, removeFolder } from './host-processes.ts'
import type { Undo } from './undo.ts'
import { ifThere, victimFacts } from './victim-facts.ts'

export const FOLDER_PREFIX = '.dockerpulse-chaos-'
const POLL_MS = 50
/** The exit code of what SIGKILL has ended. */
const KILLED = 137
const STARTED_WITHIN_MS = 10_000
/** A helper looks for its stop file once in a tick, then ends its children. */
const STOPPED_WITHIN_MS = 8_000
const REMOVED_WITHIN_MS = 5_000

/** Where the helper of a mark lives inside its container. */
export const folderOf = (mark: string) => `/${FOLDER_PREFIX}${mark}`

/** The static program of the host that is copied into victims. */
export async function readHelperProgram(path: string): Promise<Buffer> {
  return readFile(path).catch(() => {
    throw new AppError(`${path} is missing, which is copied into victims: apt-get install busybox-static`)
  })
}

/** The archive that puts the program into a container, to be unpacked at its root. */
export const helperArchive = (mark: string, program: Buffer) =>
  tarArchive([{ name: `${FOLDER_PREFIX}${mark}/busybox`, content: program }])

/** How the helper is called, in a container of its own or in another's. */
export const helperCommand = (mark: string, work: HelperWork, seconds: number, oomScore: number) => [
  `${folderOf(mark)}/busybox`,
  'sh',
  '-c',
  helperScript(work, { folder: folderOf(mark), seconds, oomScore }),
]

/** Copies the helper into a running container and starts it there, as root, in the container's cgroup and namespaces. */
export async function startHelper(
  docker: Docker,
  options: { containerId: string; mark: string; program: Buffer; work: HelperWork; seconds: number; oomScore: number },
): Promise<void> {
  const { containerId, mark, program, work, seconds, oomScore } = options
  const container = docker.getContainer(containerId)
  await container.putArchive(helperArchive(mark, program), { path: '/' })
  const exec = await container.exec({
    Cmd: helperCommand(mark, work, seconds, oomScore),
    Env: [`${MARK_VARIABLE}=${mark}`],
    User: '0:0',
    WorkingDir: '/',
  })
  await startDetached(exec)
  const deadline = Date.now() + STARTED_WITHIN_MS
  for (;;) {
    const found = await ifThere(exec.inspect())
    // A bomb may have gone off already: the container ends and its helper with it.
    if (found === null || found.Running || found.ExitCode === KILLED) return
    const { ExitCode } = found
    if (ExitCode !== null)
      throw new AppError(`the helper does not run in ${containerId.slice(0, 12)} (exit code ${ExitCode}): see its log`)
    if (Date.now() > deadline) throw new AppError(`the helper does not start in ${containerId.slice(0, 12)}`)
    await sleep(POLL_MS)
  }
}

/** The engine's empty answer is a stream to dockerode: unread it would keep the connection, and this process, for ever. */
async function startDetached(exec: Docker.Exec): Promise<void> {
  const answer = await exec.start({ Detach: true })
  answer.on('error', () => {})
  answer.destroy()
}

/** Ends a helper and removes its files; a reason where that must wait until its container runs. */
export async function endHelper(
  docker: Docker,
  { containerId, mark, folder }: Extract<Undo, { kind: 'helper' }>,
): Promise<string | null> {
  const container = docker.getContainer(containerId)
  const found = await ifThere(container.inspect())
  if (found === null) return null
  const { pid } = victimFacts(found)
  if (pid !== null) {
    await endMarkedProcesses(mark)
    return removeFolder(`/proc/${pid}/root${folder}`)
  }
  if (found.State.Running) return endHelperFromAfar(container, folder)
  const upper = (found.GraphDriver?.Data as { UpperDir?: string } | undefined)?.UpperDir
  if (upper === undefined) return `the files of a helper are left in ${found.Name.slice(1)} until it runs again`
  return removeFolder(join(upper, folder))
}

/** Where the host's processes are not seen: a file tells the helper to end, and the engine tells whether it has. */
export async function endHelperFromAfar(container: Docker.Container, folder: string): Promise<string | null> {
  const runs = async () => JSON.stringify((await container.top()).Processes).includes(folder)
  try {
    if (await runs()) {
      await container.putArchive(tarArchive([{ name: `${folder.slice(1)}/stop`, content: Buffer.alloc(0) }]), {
        path: '/',
      })
      const deadline = Date.now() + STOPPED_WITHIN_MS
      while (await runs()) {
        if (Date.now() > deadline) return 'the helper does not end: remove its container'
        await sleep(POLL_MS)
      }
    }
    // A helper that ended by itself has done this; then the program is gone and the call fails.
    const removal = await container.exec({
      Cmd: [`${folder}/busybox`, 'rm', '-rf', folder],
      User: '0:0',
      WorkingDir: '/',
    })
    await startDetached(removal).catch(() => {})
    const deadline = Date.now() + REMOVED_WITHIN_MS
    while ((await removal.inspect()).Running && Date.now() < deadline) await sleep(POLL_MS)
    return null
  } catch (error) {
    return `the helper cannot be ended: ${messageOf(error)}`
  }
}
