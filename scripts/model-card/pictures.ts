import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Figures } from './figures.ts'

use([BarChart, LineChart, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer])

const INK = '#1c2429'
const MUTED = '#55626b'
const BLUE = '#1f6aa5'

function svgOf(option: EChartsCoreOption, size: { width: number; height: number }): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { color: INK, fontFamily: 'sans-serif' },
    ...option,
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  // Its class names count up with each picture of a process.
  return svg.replaceAll(/zr\d+-/g, 'zr-')
}

const title = (text: string) => ({ text, left: 8, top: 6, textStyle: { fontSize: 13, color: INK } })

/** What was said, against how often it came; on the diagonal both agree. */
function reliability(text: string, name: string, points: (number | null)[][]): string {
  const axis = (name: string) => ({
    type: 'value',
    min: 0,
    max: 1,
    name,
    nameLocation: 'middle',
    nameGap: 28,
    axisLabel: { color: MUTED },
  })
  return svgOf(
    {
      title: title(text),
      legend: { bottom: 4, itemGap: 28, textStyle: { color: INK } },
      grid: { left: 52, right: 20, top: 36, bottom: 74 },
      xAxis: axis('probability said'),
      yAxis: axis('share that came'),
      series: [
        {
          name,
          type: 'line',
          data: points,
          symbolSize: 8,
          lineStyle: { color: BLUE },
          itemStyle: { color: BLUE },
          markLine: {
            silent: true,
            symbol: 'none',
            lineStyle: { color: MUTED, type: 'dashed' },
            data: [[{ coord: [0, 0] }, { coord: [1, 1] }]],
          },
        },
      ],
    },
    { width: 560, height: 420 },
  )
}

const exceedances = ({ backtest }: Figures) =>
  reliability(
    'Reliability: what was said and what came',
    'value above its 95th percentile in ten steps (backtest)',
    (backtest.exceedance?.overall.bins ?? []).map(({ probability, happened }) => [probability, happened]),
  )

const failures = ({ runs }: Figures) =>
  reliability(
    'Reliability of the failure probability',
    'failed within 60 s (recorded runs of families not fitted on)',
    runs.reliability.bins.map(({ meanProbability, observed }) => [meanProbability, observed]),
  )

const LEADS_TO_SECONDS = [5, 10, 15, 30, 60, 120, 300]

/** How long before the failures that it foresaw the model was critical. */
function leadTimes({ runs }: Figures): string {
  const { leadSeconds } = runs.ways.model
  const counts = LEADS_TO_SECONDS.map((to, index) => {
    const from = LEADS_TO_SECONDS[index - 1] ?? 0
    return leadSeconds.filter((seconds) => seconds >= from && seconds < to).length
  })
  const names = LEADS_TO_SECONDS.map((to, index) => `${LEADS_TO_SECONDS[index - 1] ?? 0}–${to} s`)
  const most = LEADS_TO_SECONDS.at(-1)!
  return svgOf(
    {
      title: title('From the critical light to the failure'),
      grid: { left: 52, right: 20, top: 48, bottom: 40 },
      xAxis: { type: 'category', data: [...names, `over ${most} s`] },
      yAxis: { type: 'value', name: 'failures' },
      series: [
        {
          type: 'bar',
          data: [...counts, leadSeconds.filter((seconds) => seconds >= most).length],
          itemStyle: { color: BLUE },
          label: { show: true, position: 'top', color: INK },
        },
      ],
    },
    { width: 640, height: 320 },
  )
}

/** Errors ten steps ahead relative to the last value, by group; below 1 is better. */
function errors({ backtest }: Figures): string {
  const groups = [...(backtest.forecast?.groups ?? [])].reverse()
  return svgOf(
    {
      title: title('Error ten steps ahead, relative to the last value'),
      legend: { bottom: 4, itemGap: 28, textStyle: { color: INK } },
      grid: { left: 150, right: 40, top: 48, bottom: 56 },
      xAxis: { type: 'value', min: 0, max: 1.2 },
      yAxis: { type: 'category', data: groups.map(({ group }) => group) },
      series: [
        {
          name: 'mean absolute',
          type: 'bar',
          data: groups.map(({ maeToLast }) => Number(maeToLast.toFixed(3))),
          itemStyle: { color: BLUE },
          label: { show: true, position: 'right', color: INK },
          markLine: {
            silent: true,
            symbol: 'none',
            lineStyle: { color: MUTED, type: 'dashed' },
            label: { formatter: 'the last value', color: MUTED },
            data: [{ xAxis: 1 }],
          },
        },
        {
          name: 'root mean square',
          type: 'bar',
          data: groups.map(({ rmseToLast }) => Number(rmseToLast.toFixed(3))),
          itemStyle: { color: '#8fb4d3' },
        },
      ],
    },
    { width: 640, height: 400 },
  )
}

/** The pictures of the card by file name. */
export function pictures(figures: Figures): Record<string, string> {
  return {
    'reliability.svg': exceedances(figures),
    'reliability-failure.svg': failures(figures),
    'lead-times.svg': leadTimes(figures),
    'error-by-group.svg': errors(figures),
  }
}
