import { readdirSync } from 'node:fs'
import { type Fleet, withFleet } from './fleet.ts'
import { type Figure, median, memoryMegabytes, metricOf, say, startService, wait } from './measure.ts'

const PASSING = 10_000
/** What grows once, buffers and compiled code, has grown after these. */
const WARM_UP = 2_000
const STAYING = 20
/** So many of the passing ones are alive at a time. */
const ALIVE = 100
const SETTLE_MS = 15_000
/** Collections of garbage come when they come: as many readings make one. */
const READINGS = 10

const gainOf = (megabytes: readonly number[]) =>
  median(megabytes.slice(-READINGS)) - median(megabytes.slice(0, READINGS))

const startOn = (dockerHost: string) => startService({ DOCKER_HOST: dockerHost, DOCKERPULSE_CPU_BUDGET: '1' })

/**
 * Short-lived containers by the thousand: what they leave behind in the service. Any process grows in its first minutes, so
 * that a second service watches as many containers that stay, for the same time.
 */
export function turnover(): Promise<Figure[]> {
  return withFleet({ staying: STAYING + ALIVE }, (calm) =>
    withFleet({ staying: STAYING, passing: WARM_UP + PASSING }, (fleet) => compare(fleet, calm)),
  )
}

async function compare({ dockerHost, turnOver }: Fleet, calm: Fleet): Promise<Figure[]> {
  await using service = await startOn(dockerHost)
  await using beside = await startOn(calm.dockerHost)
  const descriptors = () => readdirSync(`/proc/${service.pid}/fd`).length
  const memory = () => memoryMegabytes(service.pid, 'VmRSS')
  await wait(SETTLE_MS)
  const before = descriptors()
  /** Each taken with as many passing containers alive. */
  const megabytes: number[] = []
  const megabytesBeside: number[] = []
  say(`${PASSING} containers come and go, after ${WARM_UP} to warm up…`)
  await turnOver((gone) => {
    if (gone >= WARM_UP) {
      megabytes.push(memory())
      megabytesBeside.push(memoryMegabytes(beside.pid, 'VmRSS'))
    }
    if (gone % 1_000 === 0) say(`  ${gone} gone, ${memory().toFixed(1)} MB`)
  })
  await wait(SETTLE_MS)
  const most = Math.max(...megabytes) - median(megabytes.slice(0, READINGS))
  return [
    {
      name: `resident memory gained while ${PASSING} containers come and go`,
      value: gainOf(megabytes),
      unit: 'MB',
      reference: { name: 'that of a service whose containers stay', value: gainOf(megabytesBeside) },
    },
    { name: 'resident memory gained at the most', value: most, unit: 'MB' },
    { name: 'descriptors gained', value: descriptors() - before, unit: '' },
    { name: 'resident memory', value: memory(), unit: 'MB' },
    { name: 'samples dropped', value: await metricOf(service.url, 'dockerpulse_samples_dropped_total'), unit: '' },
  ]
}
