import { describe, expect, test } from 'vitest'
import { aContainerView, createApiStandIn } from './service-stand-in.ts'

/** Reads the Prometheus text format strictly: `# HELP` and `# TYPE` once a name, then its series. */
function parseExposition(text: string) {
  const help = new Set<string>()
  const types = new Map<string, string>()
  const series: { name: string; labels: Record<string, string>; value: number }[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment
      if (kind === 'HELP') {
        expect(help.has(name), `HELP of ${name} twice`).toBe(false)
        help.add(name)
      } else types.set(name, rest)
      continue
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\})? (\S+)$/.exec(line)
    expect(sample, `not a series: ${line}`).not.toBeNull()
    const [, name = '', inBraces = '', value] = sample!
    const labels = Object.fromEntries(
      [...inBraces.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"/g)].map(([, label = '', escaped = '']) => [
        label,
        escaped.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character)),
      ]),
    )
    expect(types.has(name), `${name} has no TYPE`).toBe(true)
    series.push({ name, labels, value: Number(value) })
  }
  return { types, series, of: (name: string) => series.filter((one) => one.name === `dockerpulse_${name}`) }
}

const scrape = async (standIn = createApiStandIn()) => parseExposition(await (await standIn.ask('/metrics')).text())

describe('/metrics', () => {
  test('is the exposition format, in base units and ratios, with totals as counters', async () => {
    const { of, types } = await scrape()
    expect(of('container_failure_probability')).toEqual([
      {
        name: 'dockerpulse_container_failure_probability',
        labels: { container: 'shop-api-1', compose_project: 'shop', compose_service: 'api' },
        value: 0.9,
      },
    ])
    expect(of('containers').map(({ labels, value }) => [labels.light, value])).toEqual([
      ['low', 0],
      ['medium', 0],
      ['critical', 1],
      ['none', 0],
    ])
    expect(of('container_time_to_memory_limit_seconds')[0]?.value).toBe(13)
    expect(of('samples_dropped_total')[0]?.value).toBe(3)
    for (const [name, type] of types) expect(type, name).toBe(name.endsWith('_total') ? 'counter' : 'gauge')
    for (const name of types.keys()) expect(name).toMatch(/^dockerpulse_/)
  })

  test('says nothing of what is unknown', async () => {
    const unknown = aContainerView({ probability: null, cpuCores: null, workingSetBytes: null, timeToLimitMs: null })
    const { of } = await scrape(createApiStandIn({ service: { containers: () => [unknown] } }))
    for (const name of ['container_failure_probability', 'container_cpu_cores', 'container_working_set_bytes'])
      expect(of(name)).toEqual([])
    expect(of('containers').map(({ value }) => value)).toEqual([0, 0, 0, 1])
  })

  test('cannot be broken by a name', async () => {
    const names = ['a"} 1\ndockerpulse_fake 1', 'back\\slash\\', '{x="y"}', '# HELP x y', '']
    const { of, series } = await scrape(
      createApiStandIn({
        service: { containers: () => names.map((name) => aContainerView({ name, composeProject: name })) },
      }),
    )
    expect(of('container_cpu_cores').map(({ labels }) => labels.container)).toEqual(names)
    expect(series.some(({ name }) => name === 'dockerpulse_fake')).toBe(false)
  })

  test('forgets a container that is gone, and counts nothing twice from one scrape to the next', async () => {
    let containers = [aContainerView()]
    const standIn = createApiStandIn({ service: { containers: () => containers } })
    const [first, again] = await Promise.all([scrape(standIn), scrape(standIn)])
    expect(again.of('audit_entries_total')).toEqual(first.of('audit_entries_total'))
    containers = []
    expect((await scrape(standIn)).of('container_cpu_cores')).toEqual([])
  })
})
