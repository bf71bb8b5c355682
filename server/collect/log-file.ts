import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { errorLinesIn } from './error-lines.ts'

/** What a container logs beyond this between two reads is passed over: the count is a lower bound then. */
const READ_BYTES = 64 * 1024
/** After so many reads without news it is asked whether the engine has begun another file. */
const QUIET_READS = 10
const NEWLINE = 10

/** One buffer for all logs: they are read one after the other. */
const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** Counts the errors that a container's log reports, from now on. */
export type LogWatch = {
  /** Lines that reported an error since it was opened; `null` where the log is not to be seen. */
  readonly errorLines: number | null
  /** Reads what has come since the last time. */
  read(): void
  /** At once, as far as files go; resolves when all is closed. */
  close(): Promise<void>
}

/** Opened without following links or waiting for a pipe; `null` where there is no such file, or no permission. */
function openPlain(path: string): { descriptor: number; inode: number; bytes: number } | null {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return null
  }
  const { ino: inode, size: bytes } = fstatSync(descriptor)
  return { descriptor, inode, bytes }
}

/** Opens a log that the engine's json-file driver writes, at its present end; `null` where it is not to be seen. */
export function openLogFile(path: string): LogWatch | null {
  const opened = openPlain(path)
  if (opened === null) return null
  let { descriptor, inode, bytes: position } = opened
  let quietReads = 0
  let errorLines: number | null = 0

  const close = () => {
    if (errorLines === null) return
    errorLines = null
    closeSync(descriptor)
  }

  /** The engine renames a log that has grown too long, and begins a new one; somebody else may have emptied it. */
  const lookForAnother = () => {
    quietReads = 0
    const now = statSync(path, { throwIfNoEntry: false })
    if (now === undefined) return
    if (now.ino !== inode) {
      const next = openPlain(path)
      if (next === null) return
      closeSync(descriptor)
      descriptor = next.descriptor
      inode = next.inode
      position = 0
    } else if (now.size < position) position = 0
  }

  const take = (): boolean => {
    const length = readSync(descriptor, buffer, 0, READ_BYTES, position)
    if (length === 0) return false
    const lastEnd = buffer.lastIndexOf(NEWLINE, length - 1) + 1
    // A line longer than the buffer is passed over; one that is still being written is read when it is complete.
    const whole = lastEnd === 0 && length === READ_BYTES ? length : lastEnd
    errorLines! += errorLinesIn(buffer.toString('latin1', 0, whole))
    position += whole
    if (length === READ_BYTES) position = Math.max(position, fstatSync(descriptor).size - READ_BYTES)
    return true
  }

  return {
    get errorLines() {
      return errorLines
    },
    read() {
      if (errorLines === null) return
      try {
        if (take()) quietReads = 0
        else if (++quietReads >= QUIET_READS) lookForAnother()
      } catch {
        close()
      }
    },
    close: async () => close(),
  }
}
