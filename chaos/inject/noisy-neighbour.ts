import { helperArchive, helperCommand } from './helper.ts'
import { MARK_VARIABLE } from './host-processes.ts'
import type { Plan, PlanContext } from './plan.ts'
import { CHAOS_LABEL } from './victim-facts.ts'

/** Marks a container of the injector's own; the second says which fault it is. */
export const HELPER_VALUE = 'helper'
export const MARK_LABEL = 'dockerpulse.chaos.mark'
const MEMORY_BYTES = 64 << 20
const PIDS = 64

/**
 * A container beside the victim that burns processor time without a limit of its own, at the usual shares. It comes from
 * the victim's image, of which nothing is run, so that no other image is needed; it removes itself when it ends.
 */
export async function planNoisyNeighbour(context: PlanContext, shareOfHost: number): Promise<Plan> {
  const { docker, host, mark, program, seconds, inspect } = context
  const name = `dockerpulse-chaos-${mark}`
  const work = { kind: 'burn' as const, cores: shareOfHost * host.cores }
  // Labels of the image would make it one of compose's, or one that was agreed to.
  const inherited = Object.keys(inspect.Config.Labels ?? {}).filter((label) =>
    /^(com\.docker\.|dockerpulse\.)/.test(label),
  )
  return {
    ok: true,
    undo: [{ kind: 'helper-container', name }],
    async start() {
      const container = await docker.createContainer({
        name,
        Image: inspect.Image,
        Entrypoint: helperCommand(mark, work, seconds, 0),
        Cmd: [],
        Env: [`${MARK_VARIABLE}=${mark}`],
        User: '0:0',
        WorkingDir: '/',
        Healthcheck: { Test: ['NONE'] },
        NetworkDisabled: true,
        Labels: {
          ...Object.fromEntries(inherited.map((label) => [label, ''])),
          [CHAOS_LABEL]: HELPER_VALUE,
          [MARK_LABEL]: mark,
        },
        HostConfig: {
          AutoRemove: true,
          NetworkMode: 'none',
          Memory: MEMORY_BYTES,
          MemorySwap: MEMORY_BYTES,
          PidsLimit: PIDS,
        },
      })
      await container.putArchive(helperArchive(mark, program), { path: '/' })
      await container.start()
      return {}
    },
  }
}
