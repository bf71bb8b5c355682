import { readdirSync } from 'node:fs'
import { type Fleet, withFleet } from './fleet.ts'
import { type Figure, median, memoryMegabytes, metricOf, say, startService, wait } from './measure.ts'

/** So many come and go first, and so many again: what grows once, buffers and compiled code, has grown after the first. */
const PASSING = 10_000
const STAYING = 20
/** So many of the passing ones are alive at a time. */
const ALIVE = 100
const SETTLE_MS = 15_000
/** Collections of garbage come when they come: as many readings make one. */
const READINGS = 10

/** Readings of a service's memory in MB, each with as many passing containers alive. */
type Readings = { first: number[]; again: number[] }

const newReadings = (): Readings => ({ first: [], again: [] })

const gainOf = (megabytes: readonly number[]) =>
  median(megabytes.slice(-READINGS)) - median(megabytes.slice(0, READINGS))

const startOn = (dockerHost: string) => startService({ DOCKER_HOST: dockerHost, DOCKERPULSE_CPU_BUDGET: '1' })

/**
 * Short-lived containers by the thousand: what they leave behind in the service. Any process grows in its first minutes, so
 * that they come twice, and a second service watches as many containers that stay, for the same time.
 */
export function turnover(): Promise<Figure[]> {
  return withFleet({ staying: STAYING + ALIVE }, (calm) =>
    withFleet({ staying: STAYING, passing: 2 * PASSING }, (fleet) => compare(fleet, calm)),
  )
}

async function compare({ dockerHost, turnOver }: Fleet, calm: Fleet): Promise<Figure[]> {
  await using service = await startOn(dockerHost)
  await using beside = await startOn(calm.dockerHost)
  const descriptors = () => readdirSync(`/proc/${service.pid}/fd`).length
  const memory = () => memoryMegabytes(service.pid, 'VmRSS')
  await wait(SETTLE_MS)
  const before = descriptors()
  const readings = newReadings()
  const readingsBeside = newReadings()
  say(`${PASSING} containers come and go, and ${PASSING} again…`)
  await turnOver((gone) => {
    const part = gone <= PASSING ? 'first' : 'again'
    readings[part].push(memory())
    readingsBeside[part].push(memoryMegabytes(beside.pid, 'VmRSS'))
    if (gone % 1_000 === 0) say(`  ${gone} gone, ${memory().toFixed(1)} MB`)
  })
  await wait(SETTLE_MS)
  const gained = (part: keyof Readings, which: string): Figure => ({
    name: `resident memory gained while ${PASSING} containers come and go, ${which}`,
    value: gainOf(readings[part]),
    unit: 'MB',
    reference: { name: 'that of a service whose containers stay', value: gainOf(readingsBeside[part]) },
  })
  const most = Math.max(...readings.again) - median(readings.again.slice(0, READINGS))
  return [
    gained('again', `after ${PASSING} others`),
    { name: 'of it at the most', value: most, unit: 'MB' },
    gained('first', 'the first of the process'),
    { name: 'descriptors gained', value: descriptors() - before, unit: '' },
    { name: 'resident memory', value: memory(), unit: 'MB' },
    { name: 'samples dropped', value: await metricOf(service.url, 'dockerpulse_samples_dropped_total'), unit: '' },
  ]
}
