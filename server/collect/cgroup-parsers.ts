/**
 * Reads the numbers out of one kernel file's bytes into their slots, without making a string. What the file does not
 * say becomes NaN. `bytes[length]` must not be a digit (readers put a zero there), so that digits end by themselves.
 */
export type Parser = {
  parse(bytes: Uint8Array, length: number, values: Float64Array): void
  /** All that `parse` writes. */
  readonly slots: readonly number[]
}

const NEWLINE = 10
const SPACE = 32
const COLON = 58
const ZERO = 48

/** The kernel's counters are of 64 bits; what is greater is no counter. Beyond 2^53 only precision is lost. */
const BEYOND_COUNTER = 2 ** 64

/** The number whose first digit is at `at`, or NaN where there is none. */
function numberAt(bytes: Uint8Array, at: number): number {
  let digit = bytes[at]! - ZERO
  if (!(digit >= 0 && digit <= 9)) return Number.NaN
  let value = 0
  for (let next = at + 1; digit >= 0 && digit <= 9; next++) {
    value = value * 10 + digit
    digit = bytes[next]! - ZERO
  }
  return value < BEYOND_COUNTER ? value : Number.NaN
}

function lineAfter(bytes: Uint8Array, at: number, length: number): number {
  let next = at
  while (next < length && bytes[next] !== NEWLINE) next++
  return next + 1
}

/** Whether `key` and a space stand at `at`. */
function hasKey(bytes: Uint8Array, at: number, key: Uint8Array): boolean {
  // The end first: it tells lines of other lengths apart with one look.
  if (bytes[at + key.length] !== SPACE) return false
  for (let index = key.length - 1; index >= 0; index--) if (bytes[at + index] !== key[index]) return false
  return true
}

/** A file of one number, such as memory.current; "max" is NaN. */
export function createNumberParser(slot: number): Parser {
  return {
    slots: [slot],
    parse(bytes, length, values) {
      values[slot] = length > 0 ? numberAt(bytes, 0) : Number.NaN
    },
  }
}

export type KeyedField = { key: string; slot: number; unit?: number }

/** A first file that lacked a key (an older kernel, or one cut short) is not taken at its word for longer than this. */
export const DOUBTED_AFTER = 64

/**
 * A file of lines "key value", such as memory.stat or /proc/meminfo. The kernel writes the same lines in the same order
 * each time, so the parser learns from the first one which wanted key follows which, and how many bytes between them
 * cannot be the next one (a line has its key, a space, at least one digit and its end). Where that leads nowhere it
 * learns anew.
 */
export function createKeyedParser(fields: readonly KeyedField[]): Parser {
  const keys = fields.map(({ key }) => Buffer.from(key, 'latin1'))
  const slots = fields.map(({ slot }) => slot)
  const units = fields.map(({ unit = 1 }) => unit)
  let order: number[] = []
  let skips: number[] = []
  let followed = 0

  const valueAt = (bytes: Uint8Array, at: number, field: number): number => {
    let digits = at + keys[field]!.length + 1
    while (bytes[digits] === SPACE) digits++
    return numberAt(bytes, digits) * units[field]!
  }

  const follow = (bytes: Uint8Array, length: number, values: Float64Array): boolean => {
    let at = 0
    for (let index = 0; index < order.length; index++) {
      const field = order[index]!
      const key = keys[field]!
      at += skips[index]!
      if (at > 0 && bytes[at - 1] !== NEWLINE) at = lineAfter(bytes, at, length)
      while (at < length && !hasKey(bytes, at, key)) at = lineAfter(bytes, at, length)
      if (at >= length) return false
      values[slots[field]!] = valueAt(bytes, at, field)
      at = lineAfter(bytes, at + key.length + 1, length)
    }
    return order.length > 0
  }

  const learn: Parser['parse'] = (bytes, length, values) => {
    order = []
    skips = []
    for (const slot of slots) values[slot] = Number.NaN
    let skip = 0
    for (let at = 0; at < length; at = lineAfter(bytes, at, length)) {
      const field = keys.findIndex((key, index) => !order.includes(index) && hasKey(bytes, at, key))
      if (field === -1) {
        const space = bytes.subarray(at, lineAfter(bytes, at, length) - 1).indexOf(SPACE)
        skip += space === -1 ? 1 : space + 3
        continue
      }
      values[slots[field]!] = valueAt(bytes, at, field)
      order.push(field)
      skips.push(skip)
      skip = 0
    }
  }

  return {
    slots,
    parse(bytes, length, values) {
      const doubted = order.length < keys.length && ++followed > DOUBTED_AFTER
      if (!doubted && follow(bytes, length, values)) return
      followed = 0
      learn(bytes, length, values)
    },
  }
}

/** The shortest text before "total=" on a line of a pressure file: "some avg10=0.00 avg60=0.00 avg300=0.00 ". */
const PRESSURE_LEAD = 39
const SOME = Buffer.from('some')
const FULL = Buffer.from('full')
const TOTAL = Buffer.from('total=')

function startsWith(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false
  return true
}

/** Stall totals of a pressure file (PSI), in microseconds. Before Linux 5.13 cpu.pressure has no "full". */
export function createPressureParser(some: number, full: number): Parser {
  return {
    slots: [some, full],
    parse(bytes, length, values) {
      values[some] = Number.NaN
      values[full] = Number.NaN
      for (let line = 0; line + PRESSURE_LEAD < length; ) {
        const slot = startsWith(bytes, line, SOME) ? some : startsWith(bytes, line, FULL) ? full : -1
        let at = line + PRESSURE_LEAD
        while (at < length && bytes[at] !== TOTAL[0] && bytes[at] !== NEWLINE) at++
        if (slot !== -1 && startsWith(bytes, at, TOTAL)) values[slot] = numberAt(bytes, at + TOTAL.length)
        line = lineAfter(bytes, at, length)
      }
    },
  }
}

/** Adds to a sum that begins as unknown; a number that cannot be read adds nothing. */
function add(values: Float64Array, slot: number, value: number): void {
  if (value >= 0) values[slot] = (Number.isNaN(values[slot]!) ? 0 : values[slot]!) + value
}

const READ = Buffer.from('Read ')
const WRITE = Buffer.from('Write ')

/** Bytes over all devices from cgroup v1's blkio files: lines "8:0 Read 4096". Unknown without such a line. */
export function createBlkioParser(read: number, write: number): Parser {
  return {
    slots: [read, write],
    parse(bytes, length, values) {
      values[read] = Number.NaN
      values[write] = Number.NaN
      for (let line = 0; line < length; line = lineAfter(bytes, line, length)) {
        let at = line
        while (at < length && bytes[at] !== SPACE && bytes[at] !== NEWLINE) at++
        if (startsWith(bytes, at + 1, READ)) add(values, read, numberAt(bytes, at + 1 + READ.length))
        else if (startsWith(bytes, at + 1, WRITE)) add(values, write, numberAt(bytes, at + 1 + WRITE.length))
      }
    },
  }
}

const READ_BYTES = Buffer.from(' rbytes=')
const WRITE_BYTES = Buffer.from(' wbytes=')

/** Bytes over all devices from cgroup v2's io.stat: lines "8:0 rbytes=4096 wbytes=0 …". Unknown without such a line. */
export function createIoStatParser(read: number, write: number): Parser {
  return {
    slots: [read, write],
    parse(bytes, length, values) {
      values[read] = Number.NaN
      values[write] = Number.NaN
      for (let at = 0; at < length; at++) {
        if (bytes[at] !== SPACE) continue
        if (startsWith(bytes, at, READ_BYTES)) add(values, read, numberAt(bytes, at + READ_BYTES.length))
        else if (startsWith(bytes, at, WRITE_BYTES)) {
          add(values, write, numberAt(bytes, at + WRITE_BYTES.length))
          at = lineAfter(bytes, at, length) - 1
        }
      }
    },
  }
}

const LOOPBACK = Buffer.from('lo:')
/** In /proc/net/dev the received bytes are the first number behind the name, the sent ones the ninth. */
const NUMBERS_BEFORE_SENT = 8

/** Bytes over all interfaces but the loopback from /proc/<pid>/net/dev; unknown where there is none. */
export function createNetworkParser(receive: number, transmit: number): Parser {
  let headEnd = 0
  return {
    slots: [receive, transmit],
    parse(bytes, length, values) {
      values[receive] = Number.NaN
      values[transmit] = Number.NaN
      // Two lines of column titles, always the same.
      if (headEnd === 0 || bytes[headEnd - 1] !== NEWLINE)
        headEnd = lineAfter(bytes, lineAfter(bytes, 0, length), length)
      for (let line = headEnd; line < length; line = lineAfter(bytes, line, length)) {
        let at = line
        while (bytes[at] === SPACE) at++
        if (startsWith(bytes, at, LOOPBACK)) continue
        while (at < length && bytes[at] !== COLON && bytes[at] !== NEWLINE) at++
        if (bytes[at] !== COLON) continue
        do at++
        while (bytes[at] === SPACE)
        const received = numberAt(bytes, at)
        for (let skipped = 0; skipped < NUMBERS_BEFORE_SENT; skipped++) {
          while (bytes[at]! > SPACE) at++
          while (bytes[at] === SPACE) at++
        }
        add(values, receive, received)
        add(values, transmit, numberAt(bytes, at))
        line = at
      }
    },
  }
}
