import { z } from 'zod'

/** The most that a process can be the kernel's choice when memory is short. */
export const LED_SCORE = 1000

/** One thing to take back, as data: another process, or the next start, must be able to do it. */
export const Undo = z.discriminatedUnion('kind', [
  /** A helper in a container: its processes, its folder. */
  z.object({ kind: z.literal('helper'), containerId: z.string(), mark: z.string(), folder: z.string() }),
  /** The main process was made the kernel's first choice when memory is short. */
  z.object({ kind: z.literal('oom-score'), containerId: z.string(), score: z.number() }),
  z.object({ kind: z.literal('helper-container'), name: z.string() }),
  z.object({ kind: z.literal('stopped-processes'), containerId: z.string() }),
  /** A container taken from a network; `endpoint` is what it had there, in the engine's words. */
  z.object({
    kind: z.literal('network'),
    containerId: z.string(),
    network: z.string(),
    endpoint: z.record(z.string(), z.unknown()),
  }),
  z.object({ kind: z.literal('netem'), containerId: z.string(), device: z.string() }),
  /** A file of the kernel, and the line that makes it as it was. */
  z.object({ kind: z.literal('throttle'), path: z.string(), line: z.string() }),
  z.object({ kind: z.literal('running'), containerId: z.string() }),
  z.object({ kind: z.literal('recreation'), oldId: z.string(), name: z.string(), temporaryName: z.string() }),
])
export type Undo = z.infer<typeof Undo>
