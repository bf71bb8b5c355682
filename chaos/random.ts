/** A stream of pseudo-random numbers with a state of its own; the same seed gives the same numbers. */
export type Random = {
  /** Uniform in [0, 1). */
  next(): number
  /** Roughly normal with mean 0 and standard deviation 1, within ±3: the sum of three uniforms. */
  normal(): number
  /** `length` lower-case hexadecimal digits. */
  hex(length: number): string
}

/** FNV-1a, 32 bits: turns a name into a seed. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** mulberry32: 32 bits of state, good enough for workloads, not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    normal: () => (next() + next() + next() - 1.5) * 2,
    hex(length) {
      let digits = ''
      while (digits.length < length)
        digits += Math.floor(next() * 2 ** 32)
          .toString(16)
          .padStart(8, '0')
      return digits.slice(0, length)
    },
  }
}
