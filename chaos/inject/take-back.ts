import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type Docker from 'dockerode'
import { messageOf } from '../../server/errors.ts'
import { endHelper } from './helper.ts'
import { continueProcesses, processesOf } from './host-processes.ts'
import { finishRecreation } from './recreation.ts'
import { LED_SCORE, type Undo } from './undo.ts'
import { ifThere, victimFacts } from './victim-facts.ts'

/** What the engine answers where a container is in the network already, or cannot be in one any more. */
const NOTHING_TO_CONNECT = /already exists in network|is not running|marked for removal/

/** Takes one thing back; doing it again does nothing. A reason where it cannot be done now and must be tried again. */
export async function takeBackOne(docker: Docker, undo: Undo): Promise<string | null> {
  try {
    return await UNDO[undo.kind](docker, undo as never)
  } catch (error) {
    return messageOf(error)
  }
}

type Undoing = { [K in Undo['kind']]: (docker: Docker, undo: Extract<Undo, { kind: K }>) => Promise<string | null> }

const UNDO: Undoing = {
  helper: endHelper,

  async 'oom-score'(docker, { containerId, score }) {
    const victim = await ifThere(docker.getContainer(containerId).inspect())
    if (victim === null || victimFacts(victim).pid === null) return null
    for (const { pid } of processesOf(victim.Id)) {
      const path = `/proc/${pid}/oom_score_adj`
      // A process may end before its turn comes.
      if (existsSync(path) && Number(readFileSync(path, 'utf8')) === LED_SCORE) writeFileSync(path, String(score))
    }
    return null
  },

  async 'helper-container'(docker, { name }) {
    const container = docker.getContainer(name)
    await ifThere(container.remove({ force: true, v: true })).catch((error) => {
      if ((error as { statusCode?: number }).statusCode !== 409) throw error
    })
    return (await ifThere(container.inspect())) === null ? null : `${name} is still being removed`
  },

  async 'stopped-processes'(_docker, { containerId }) {
    continueProcesses(containerId)
    return null
  },

  async network(docker, { containerId, network, endpoint }) {
    const container = await ifThere(docker.getContainer(containerId).inspect())
    if (container === null || container.NetworkSettings.Networks[network] !== undefined) return null
    try {
      await ifThere(docker.getNetwork(network).connect({ Container: containerId, EndpointConfig: endpoint }))
    } catch (error) {
      if (!NOTHING_TO_CONNECT.test(messageOf(error))) throw error
    }
    return null
  },

  async netem(docker, { containerId, device }) {
    const container = await ifThere(docker.getContainer(containerId).inspect())
    const pid = container === null ? null : victimFacts(container).pid
    if (pid === null) return null
    const inNetwork = ['-t', String(pid), '-n', 'tc', 'qdisc']
    const rules = execFileSync('nsenter', [...inNetwork, 'show', 'dev', device], { encoding: 'utf8' })
    if (rules.includes('netem')) execFileSync('nsenter', [...inNetwork, 'del', 'dev', device, 'root'])
    return null
  },

  async throttle(_docker, { path, line }) {
    if (existsSync(path)) writeFileSync(path, line)
    return null
  },

  async running(docker, { containerId }) {
    const container = docker.getContainer(containerId)
    const found = await ifThere(container.inspect())
    if (found !== null && !found.State.Running && !found.State.Restarting) await container.start()
    return null
  },

  recreation: finishRecreation,
}
