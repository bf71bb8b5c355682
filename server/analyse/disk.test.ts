import { expect, test } from 'vitest'
import { createDiskOutlook, diskTimeToFull, observeDisk } from './disk.ts'

const GIB = 1024 ** 3
const TOTAL = 100 * GIB
const START_MS = 1_700_000_000_000

/** What is said after so many minutes of a disk whose use at each second is given; `null` is a reading that failed. */
function after(minutes: number, usedBytesAt: (second: number) => number | null, totalAt = (_second: number) => TOTAL) {
  const outlook = createDiskOutlook()
  for (let second = 0; second <= minutes * 60; second++) {
    const used = usedBytesAt(second)
    const total = totalAt(second)
    const reading = { diskTotalBytes: total, diskFreeBytes: used === null ? null : total - used }
    observeDisk(outlook, START_MS + second * 1000, reading)
  }
  return diskTimeToFull(outlook)
}

/** A hundred megabytes come and go with what is written and deleted. */
const breathing = (second: number) => 0.05 * GIB * Math.sin(second / 7)

test('a steady fill is told with its time, and bounds around it', () => {
  const left = after(10, (second) => 80 * GIB + (second / 60) * 0.5 * GIB + breathing(second))!
  // 15 GiB are left, half a GiB a minute.
  expect(left.ms / 60_000).toBeGreaterThan(27)
  expect(left.ms / 60_000).toBeLessThan(33)
  expect(left.lowerMs).toBeLessThan(left.ms)
  expect(left.upperMs).toBeGreaterThan(left.ms)
  expect(after(1, (second) => 80 * GIB + (second / 60) * 0.5 * GIB)).toBeNull()
})

test('one that is full is told at once', () => {
  expect(after(10, (second) => Math.min(TOTAL, 90 * GIB + (second / 60) * 2 * GIB))).toMatchObject({ ms: 0 })
})

test('nothing points at it where nothing rises, a fill has stopped, or it would take days', () => {
  expect(after(60, (second) => 80 * GIB + breathing(second))).toBeNull()
  expect(after(60, (second) => 80 * GIB + Math.min(5, second / 60) * GIB)).toBeNull()
  expect(after(60, (second) => 20 * GIB + second * 0.0001 * GIB)).toBeNull()
})

test('logs that are rotated each hour are told of in the first hour alone', () => {
  const rotated = (second: number) => 80 * GIB + ((second % 3600) / 3600) * 10 * GIB
  expect(after(50, rotated)).not.toBeNull()
  for (const minutes of [70, 90, 110, 170]) expect(after(minutes, rotated), `${minutes} min`).toBeNull()
})

test('a disk that grew has more time, and readings that fail are passed over', () => {
  const filling = (second: number) => 80 * GIB + (second / 60) * 0.5 * GIB
  const grown = after(10, filling, (second) => (second < 300 ? TOTAL : 2 * TOTAL))!
  expect(grown.ms / 60_000).toBeGreaterThan(200)
  const gaps = after(10, (second) => (second % 120 < 60 ? filling(second) : null))!
  expect(gaps.ms / 60_000).toBeGreaterThan(27)
  expect(gaps.ms / 60_000).toBeLessThan(33)
  expect(after(10, () => null)).toBeNull()
})

test('a clock that was set back by an hour does not blind it', () => {
  const outlook = createDiskOutlook()
  const observe = (fromMs: number) => {
    for (let second = 0; second <= 600; second += 10)
      observeDisk(outlook, fromMs + second * 1000, { diskTotalBytes: TOTAL, diskFreeBytes: (20 - second / 120) * GIB })
  }
  observe(START_MS)
  observe(START_MS - 3_600_000)
  expect(diskTimeToFull(outlook)!.ms / 60_000).toBeCloseTo(30, 0)
})
