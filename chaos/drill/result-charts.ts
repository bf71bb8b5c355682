import { LineChart } from 'echarts/charts'
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Recording, Role } from './recording.ts'

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, SVGRenderer])

const SIZE = { width: 460, height: 150 }
const COLOURS = {
  memory: '#3b76c4',
  cpu: '#8a6d3b',
  probability: '#b3261e',
  failure: '#000',
  resolved: '#2e7d32',
  fault: '#00000012',
}
/** Nearer than this their words would lie over one another. */
const MARKS_APART_SECONDS = 30

/** What happened to one victim as marks on the time axis. */
function marksOf({ failures, happenings }: Recording, role: Role) {
  const mark = (atSeconds: number, name: string, color: string) => ({ xAxis: atSeconds, name, lineStyle: { color } })
  const failure = failures.find((one) => one.role === role)
  const own = happenings.filter((one) => one.role === role)
  const action = own.find(({ what }) => what === 'action')
  const incident = own.find(({ what }) => what === 'incident')
  const resolved = own.find(({ what }) => what === 'resolved')
  const apart = incident && (!action || action.atSeconds - incident.atSeconds > MARKS_APART_SECONDS)
  return [
    ...(failure ? [mark(failure.atSeconds, failure.sign, COLOURS.failure)] : []),
    ...(apart ? [mark(incident.atSeconds, 'incident', COLOURS.probability)] : []),
    ...(action ? [mark(action.atSeconds, action.detail, COLOURS.probability)] : []),
    ...(resolved ? [mark(resolved.atSeconds, '', COLOURS.resolved)] : []),
  ]
}

/** Shares of the limits and the probability of failure over time, of one victim. */
export function chartOption(recording: Recording, role: Role): EChartsCoreOption {
  const { scenario } = recording
  const readings = recording.readings[role]
  const points = (value: (reading: NonNullable<(typeof readings)[number]>) => number | null) =>
    readings.map((reading, second) => [second, reading === null ? null : value(reading)])
  const line = (name: string, color: string, data: unknown[]) => ({
    name,
    type: 'line',
    data,
    showSymbol: false,
    lineStyle: { width: 1.5, color },
  })
  const lastSecond = Math.min(scenario.startSeconds + scenario.durationSeconds, scenario.watchSeconds)
  return {
    animation: false,
    grid: { left: 36, right: 10, top: 22, bottom: 20 },
    xAxis: {
      type: 'value',
      max: scenario.watchSeconds,
      splitLine: { show: false },
      axisLabel: { formatter: '{value} s' },
    },
    yAxis: { type: 'value', min: 0, max: 1, interval: 0.5 },
    series: [
      {
        ...line(
          'memory',
          COLOURS.memory,
          points(({ memoryShareOfLimit }) => memoryShareOfLimit),
        ),
        markArea: {
          itemStyle: { color: COLOURS.fault },
          data: [[{ xAxis: scenario.startSeconds }, { xAxis: lastSecond }]],
        },
        markLine: { symbol: 'none', label: { formatter: '{b}', fontSize: 9 }, data: marksOf(recording, role) },
      },
      line(
        'cpu',
        COLOURS.cpu,
        points(({ cpuShareOfLimit }) => cpuShareOfLimit),
      ),
      line(
        'probability',
        COLOURS.probability,
        points(({ probability }) => probability),
      ),
    ],
  }
}

/** A victim's chart as SVG text. */
export function drawChart(recording: Recording, role: Role): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE })
  try {
    chart.setOption(chartOption(recording, role))
    return chart.renderToSVGString()
  } finally {
    chart.dispose()
  }
}
