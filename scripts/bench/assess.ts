import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { assess as assessWindow } from '../../server/analyse/assess.ts'
import { fitLine } from '../../server/analyse/statistics.ts'
import { createWindow, observe, type Window } from '../../server/analyse/window.ts'
import type { Calibration } from '../../server/contracts/assessment.ts'
import { fleetSeconds } from './fleet-seconds.ts'
import { type Figure, median, say, wait } from './measure.ts'

/** The quarter-hour forecasters see their first step after 90 s, and are whole after thirty of them. */
const WARM_UP_SECONDS = 2_700
const MEASURED_SECONDS = 300
const SWEEP_MS = 100
const START = Date.parse('2026-11-12T00:00:00Z')

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Buffers of what is collected are given back beside the program, and counted out by the collection after it. */
const usedBytes = async () => {
  for (let times = 0; times < 3; times++) {
    collectGarbage()
    await wait(SWEEP_MS)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** One container's second: taking the sample in and assessing it, all horizons of CPU and memory. */
export async function assess({
  containers,
  calibration,
}: {
  containers: number
  calibration: Calibration
}): Promise<Figure[]> {
  const windows = new Map<string, Window>()
  const seconds = fleetSeconds(containers, WARM_UP_SECONDS + MEASURED_SECONDS, START)
  const taken: number[] = []
  const lines: number[] = []
  say(`Assessing ${containers} containers for ${WARM_UP_SECONDS + MEASURED_SECONDS} s of theirs…`)
  let second = 0
  for (const samples of seconds) {
    second += 1
    for (const { sample } of samples) {
      let window = windows.get(sample.containerId)
      if (window === undefined) {
        window = createWindow(sample.containerId)
        windows.set(sample.containerId, window)
      }
      const at = performance.now()
      observe(window, sample)
      assessWindow(window, calibration)
      const then = performance.now()
      fitLine(window.cpuCores)
      if (second <= WARM_UP_SECONDS) continue
      taken.push((then - at) * 1000)
      lines.push((performance.now() - then) * 1000)
    }
  }
  taken.length = Math.min(taken.length, 100_000)
  const { size } = windows
  const withWindows = await usedBytes()
  windows.clear()
  const stateBytes = (withWindows - (await usedBytes())) / size
  return [
    {
      name: 'observe and assess, per container and second, median',
      value: median(taken),
      unit: 'µs',
      reference: { name: 'one least-squares line over 60 samples', value: median(lines) },
    },
    { name: 'state per container', value: stateBytes / 1024, unit: 'KiB' },
  ]
}
