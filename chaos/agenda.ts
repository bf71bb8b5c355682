/** Something due at a moment of simulated time. `cancelled` entries are dropped when their time comes. */
export type Appointment = { atMs: number; order: number; cancelled: boolean; run: () => void }

/** What is due when: a binary heap, first by time, then in the order of being entered, so that runs repeat exactly. */
export type Agenda = {
  enter(atMs: number, run: () => void): Appointment
  /** Time of the next appointment, or Infinity. */
  nextAtMs(): number
  /** Takes the next appointment due at or before `untilMs`, or undefined. */
  take(untilMs: number): Appointment | undefined
}

const isBefore = (a: Appointment, b: Appointment) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

export function createAgenda(): Agenda {
  const heap: Appointment[] = []
  let order = 0

  function sinkFirst(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const right = left + 1
      let first = at
      if (left < heap.length && isBefore(heap[left]!, heap[first]!)) first = left
      if (right < heap.length && isBefore(heap[right]!, heap[first]!)) first = right
      if (first === at) return
      ;[heap[at], heap[first]] = [heap[first]!, heap[at]!]
      at = first
    }
  }

  function removeFirst(): Appointment {
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      heap[0] = last
      sinkFirst()
    }
    return first
  }

  return {
    enter(atMs, run) {
      const appointment = { atMs, order: order++, cancelled: false, run }
      let at = heap.push(appointment) - 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!isBefore(heap[at]!, heap[parent]!)) break
        ;[heap[at], heap[parent]] = [heap[parent]!, heap[at]!]
        at = parent
      }
      return appointment
    },
    nextAtMs() {
      while (heap[0]?.cancelled) removeFirst()
      return heap[0]?.atMs ?? Number.POSITIVE_INFINITY
    },
    take(untilMs) {
      while (heap[0]?.cancelled) removeFirst()
      return heap.length > 0 && heap[0]!.atMs <= untilMs ? removeFirst() : undefined
    },
  }
}
