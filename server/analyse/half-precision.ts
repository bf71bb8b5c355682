const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)

/** The upper half of a single-precision number, rounded: its whole range with a precision of 0.2 % (bfloat16). */
export function toHalf(value: number): number {
  single[0] = value
  return (bits[0]! + 0x8000) >>> 16
}

/** The number that such a half stands for. */
export function fromHalf(half: number): number {
  bits[0] = half << 16
  return single[0]!
}
