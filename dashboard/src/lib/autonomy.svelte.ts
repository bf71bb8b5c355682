import type { Api, Autonomy, ModeChange } from './api.ts'

/** No event tells of a change that was made elsewhere. */
const EVERY_MS = 15_000

export type AutonomyState = ReturnType<typeof createAutonomy>

/** How much the program may do by itself: what the service says, and what an operator changes. */
export function createAutonomy(api: Api) {
  let current = $state.raw<Autonomy | null>(null)
  let stopFailure = $state('')
  let asking = $state(false)
  /** Counts beginnings and ends of changes: a reading that one of them overtook says nothing any more. */
  let changes = 0

  async function read(): Promise<void> {
    const before = changes
    try {
      const read = await api.autonomy()
      if (changes === before) current = read
    } catch {
      // What was read last stays, and the page says by itself that the service is away.
    }
  }

  async function change(ask: () => Promise<Autonomy>): Promise<void> {
    changes++
    try {
      current = await ask()
    } finally {
      changes++
    }
  }

  return {
    get current() {
      return current
    },
    /** Why the switch could not be turned on, or nothing. */
    get stopFailure() {
      return stopFailure
    },
    /** Whether the reader is being asked to let it go on. */
    get asking() {
      return asking
    },
    set asking(next: boolean) {
      asking = next
    },
    /** Stops everything at once; a failure is kept for whoever shows it. */
    async stop(reason: string): Promise<void> {
      stopFailure = ''
      try {
        await change(() => api.setStop({ on: true, reason }))
      } catch (error) {
        stopFailure = error instanceof Error ? error.message : String(error)
      }
    },
    async goOn(reason: string): Promise<void> {
      await change(() => api.setStop({ on: false, reason }))
      stopFailure = ''
    },
    setMode: (asked: ModeChange) => change(() => api.setMode(asked)),
    /** Reads at once, and again and again while somebody can see the page, until the function it returns is called. */
    start(): () => void {
      const look = () => {
        if (document.visibilityState === 'visible') read()
      }
      read()
      const timer = setInterval(look, EVERY_MS)
      document.addEventListener('visibilitychange', look)
      return () => {
        clearInterval(timer)
        document.removeEventListener('visibilitychange', look)
      }
    },
  }
}
