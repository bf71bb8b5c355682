import { readdirSync } from 'node:fs'
import { withFleet } from './fleet.ts'
import { type Figure, median, memoryMegabytes, metricOf, say, startService, wait } from './measure.ts'

const PASSING = 10_000
/** What grows once, buffers and compiled code, has grown after these. */
const WARM_UP = 2_000
const STAYING = 20
const SETTLE_MS = 15_000
/** Collections of garbage come when they come: as many readings make one. */
const READINGS = 10

/** Short-lived containers by the thousand: what they leave behind in the service. */
export function turnover(): Promise<Figure[]> {
  return withFleet({ staying: STAYING, passing: WARM_UP + PASSING }, async ({ dockerHost, turnOver }) => {
    await using service = await startService({ DOCKER_HOST: dockerHost, DOCKERPULSE_CPU_BUDGET: '1' })
    const descriptors = () => readdirSync(`/proc/${service.pid}/fd`).length
    const memory = () => memoryMegabytes(service.pid, 'VmRSS')
    await wait(SETTLE_MS)
    const before = descriptors()
    /** Each taken with as many passing containers alive. */
    const megabytes: number[] = []
    say(`${PASSING} containers come and go, after ${WARM_UP} to warm up…`)
    await turnOver((gone) => {
      if (gone >= WARM_UP) megabytes.push(memory())
      if (gone % 1_000 === 0) say(`  ${gone} gone, ${memory().toFixed(1)} MB`)
    })
    await wait(SETTLE_MS)
    const first = median(megabytes.slice(0, READINGS))
    const last = median(megabytes.slice(-READINGS))
    return [
      { name: `resident memory gained by ${PASSING} containers`, value: last - first, unit: 'MB' },
      { name: 'resident memory gained at the most', value: Math.max(...megabytes) - first, unit: 'MB' },
      { name: 'descriptors gained', value: descriptors() - before, unit: '' },
      { name: 'resident memory', value: memory(), unit: 'MB' },
      { name: 'samples dropped', value: await metricOf(service.url, 'dockerpulse_samples_dropped_total'), unit: '' },
    ]
  })
}
