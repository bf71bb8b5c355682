import type { ChaosFault } from './scenario.ts'

/** A container that a fault is done to. */
export type Victim = { id: string; name: string }

/** A fault at work. */
export type Injection = {
  /** What was done, in words and figures. */
  readonly what: string
  /** Takes it back; may be called more than once, and after the victim is gone. */
  takeBack(): Promise<void>
}

/** Does faults to containers of one engine. */
export type Injector = AsyncDisposable & {
  /** Why this fault cannot be done to this victim here (no limit, no right, the kernel lacks it), or `null`. */
  objection(fault: ChaosFault, victim: Victim): Promise<string | null>
  /** What `inject` would do, in words, without doing it. */
  describe(fault: ChaosFault, victim: Victim): string
  /**
   * Rejects with AppError where there is an objection; nothing is left behind then. After `seconds` the fault ends by
   * itself, whatever becomes of this process.
   */
  inject(fault: ChaosFault, victim: Victim, options?: { seconds?: number }): Promise<Injection>
}
