import { type ContainerSpec, composeLabels, containerSpec, MIB, PLAIN_WORKLOAD } from './container-spec.ts'
import { DEMO_SERVICES, type Service } from './demo-services.ts'

/** Health checks of the demo are quicker than most in the world, so that a hang shows within half a minute. */
const CHECK_INTERVAL_SECONDS = 5

const expand = (service: Service): ContainerSpec[] =>
  Array.from({ length: service.replicas ?? 1 }, (_, index) => specOf(service, index + 1))

function specOf(wanted: Service, number: number): ContainerSpec {
  const { project, service, image, command, check } = wanted
  return containerSpec({
    name: `${project}-${service}-${number}`,
    image,
    command,
    env: wanted.env ?? [],
    labels: composeLabels({ project, service, number, image, dependsOn: wanted.dependsOn ?? '' }),
    memoryLimitBytes: wanted.memoryMib * MIB,
    cpuLimitCores: wanted.cores,
    pidsLimit: wanted.pidsLimit ?? null,
    restartPolicy: { name: wanted.restart ?? 'unless-stopped', maximumRetryCount: 0 },
    healthCheck: check
      ? {
          test: ['CMD-SHELL', check.command],
          intervalSeconds: check.intervalSeconds ?? CHECK_INTERVAL_SECONDS,
          timeoutSeconds: 2,
          retries: 3,
          startPeriodSeconds: check.startPeriodSeconds ?? 0,
        }
      : null,
    network: `${project}_default`,
    workload: { ...wanted.workload, logs: wanted.workload.logs ?? PLAIN_WORKLOAD.logs },
  })
}

/** Services a plain project repeats; sizes a fleet host would carry by the thousand. */
const PLAIN_SERVICES = ['web', 'api', 'db', 'cache', 'worker', 'cron', 'proxy', 'search', 'mail', 'queue']

function plainContainer(index: number): ContainerSpec {
  const project = `fleet-${Math.floor(index / PLAIN_SERVICES.length) + 1}`
  const service = PLAIN_SERVICES[index % PLAIN_SERVICES.length]!
  const size = 1 + (index % 7) / 2
  const { memory } = PLAIN_WORKLOAD
  return {
    ...specOf(
      {
        project,
        service,
        image: `fleet/${service}:1.${index % 5}.0`,
        command: [`/app/${service}`],
        memoryMib: 64 * Math.ceil(size),
        cores: 0.5,
        ...(service === 'api' ? { check: { command: 'wget -qO- http://localhost/health', intervalSeconds: 30 } } : {}),
        workload: {
          ...PLAIN_WORKLOAD,
          memory: { ...memory, baseBytes: memory.baseBytes * size },
          cpu: { ...PLAIN_WORKLOAD.cpu, cores: 0.01 * size },
          processes: [`/app/${service}`],
        },
      },
      1,
    ),
  }
}

/**
 * The demo's twelve containers in three compose projects, then plain ones under `fleet-1`, `fleet-2`, … up to `count`.
 * Fewer than twelve cuts the list.
 */
export function demoFleet(count = 12): ContainerSpec[] {
  const specs = DEMO_SERVICES.flatMap(expand)
  for (let index = 0; specs.length < count; index++) specs.push(plainContainer(index))
  return specs.slice(0, count)
}
