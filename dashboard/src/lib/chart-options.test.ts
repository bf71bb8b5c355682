import { describe, expect, it } from 'vitest'
import {
  axisOf,
  CHART_COLOURS,
  type ChartOption,
  type ChartStyle,
  type ForecastSeries,
  forecastChart,
  joinMarks,
  tooltipText,
} from './chart-options.ts'

const MIB = 1024 ** 2

const style: ChartStyle = {
  names: { measured: 'measured', forecast: 'forecast', band: 'range', limit: 'limit' },
  colours: CHART_COLOURS.dark,
  fontSize: 11,
  base: 10,
  value: (value) => value.toFixed(2),
  tick: String,
  time: (at) => `t${at}`,
}

const series: ForecastSeries = {
  at: [1_000, 2_000, 3_000],
  measured: [0.1, null, 0.3],
  forecast: [null, 0.2, 0.3],
  lower: [null, -0.1, 0.2],
  upper: [null, 0.4, 0.5],
  ahead: { at: [4_000, 5_000], forecast: [0.4, 0.5], lower: [0.3, 0.3], upper: [0.5, 0.7] },
  limit: 1,
}

type Drawn = {
  name: string
  data: [number, number | null][]
  markLine?: { data: { xAxis?: number; yAxis?: number }[] }
}
const drawn = (option: ChartOption): Drawn[] => option.series as unknown as Drawn[]
const line = (option: ChartOption, name: string): Drawn => drawn(option).find((one) => one.name === name)!

describe('the forecast chart', () => {
  const option = forecastChart(series, [], style)

  it('measures up to now and leaves a gap where nothing was read', () => {
    expect(line(option, 'measured').data.map(([, value]) => value)).toEqual([0.1, null, 0.3, null, null])
  })

  it('forecasts past now', () => {
    expect(line(option, 'forecast').data.at(-1)).toEqual([5_000, 0.5])
    expect(option.xAxis).toMatchObject({ min: 1_000, max: 5_000 })
  })

  it('stacks the band on its lower edge, which is never below zero', () => {
    expect(line(option, 'lower').data.map(([, value]) => value)).toEqual([null, 0, 0.2, 0.3, 0.3])
    expect(line(option, 'range').data.map(([, value]) => value?.toFixed(1) ?? null)).toEqual([
      null,
      '0.4',
      '0.3',
      '0.2',
      '0.4',
    ])
  })

  it('never moves by itself and reads no text as HTML', () => {
    expect(option.animation).toBe(false)
    expect(option.tooltip).toMatchObject({ renderMode: 'richText' })
  })

  it('draws the limit once the curve comes near it', () => {
    const limits = (limit: number) =>
      line(forecastChart({ ...series, limit }, [], style), 'measured').markLine?.data.filter(
        ({ yAxis }) => yAxis === limit,
      )
    expect(limits(1)).toHaveLength(1)
    expect(limits(100)).toHaveLength(0)
  })

  it('marks what happened within the window only', () => {
    const marks = [
      { at: 500, label: 'before', tone: 'bad' as const },
      { at: 2_500, label: 'incident', tone: 'bad' as const },
    ]
    const lines = line(forecastChart(series, marks, style), 'measured').markLine?.data ?? []
    expect(lines.map(({ xAxis }) => xAxis)).toEqual([2_500, 3_000, undefined])
  })

  it('stands without a single sample', () => {
    const nothing = { at: [], measured: [], forecast: [], lower: [], upper: [] }
    const empty = forecastChart({ ...nothing, ahead: nothing, limit: null }, [], style)
    expect(line(empty, 'measured').data).toEqual([])
  })
})

describe('the axis', () => {
  it('counts cores in round tens and memory in powers of two', () => {
    expect(axisOf(0.93, 10)).toEqual({ max: 1, interval: 0.5 })
    expect(axisOf(300 * MIB, 1024)).toEqual({ max: 384 * MIB, interval: 128 * MIB })
  })

  it('has a length where nothing happens', () => {
    expect(axisOf(0, 10).max).toBeGreaterThan(0)
    expect(axisOf(0, 1024).max).toBeGreaterThan(0)
  })
})

it('joins marks whose words would lie on each other', () => {
  const marks = [
    { at: 90, label: 'restart', tone: 'neutral' as const },
    { at: 10, label: 'incident', tone: 'bad' as const },
    { at: 12, label: 'restart', tone: 'neutral' as const },
    { at: 14, label: 'restart', tone: 'neutral' as const },
  ]
  expect(joinMarks(marks, 20)).toEqual([
    { at: 10, label: 'incident, restart', tone: 'bad' },
    { at: 90, label: 'restart', tone: 'neutral' },
  ])
})

describe('the tooltip', () => {
  it('says what was measured and forecast', () => {
    expect(tooltipText(series, 2, style)).toBe('t3000\nmeasured  0.30\nforecast  0.30\nrange  0.20 – 0.50')
  })

  it('speaks of the future in forecasts alone', () => {
    expect(tooltipText(series, 4, style)).toBe('t5000\nforecast  0.50\nrange  0.30 – 0.70')
  })
})
