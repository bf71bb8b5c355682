import type {
  ComposeOption,
  GridComponentOption,
  LineSeriesOption,
  MarkLineComponentOption,
  TooltipComponentOption,
} from 'echarts'

export type ChartOption = ComposeOption<
  LineSeriesOption | GridComponentOption | TooltipComponentOption | MarkLineComponentOption
>

type Column = readonly (number | null)[]

/** One measured quantity with what was forecast for each moment; `ahead` continues the forecast past the last sample. */
export type ForecastSeries = {
  at: readonly number[]
  measured: Column
  forecast: Column
  lower: Column
  upper: Column
  ahead: { at: readonly number[]; forecast: Column; lower: Column; upper: Column }
  limit: number | null
}

/** Something that happened, as a vertical line. */
export type ChartMark = { at: number; label: string; tone: 'bad' | 'neutral' }

export type ChartStyle = {
  names: { measured: string; forecast: string; band: string; limit: string }
  colours: Record<'measured' | 'forecast' | 'limit' | 'bad' | 'text' | 'grid' | 'panel', string>
  fontSize: number
  /** 1024 for memory, so that the axis counts in whole MiB; 10 for cores. */
  base: 1024 | 10
  value(value: number): string
  /** A value of the axis, which is round. */
  tick(value: number): string
  time(at: number): string
}

/** The same in the two themes; colour is for data and for what is wrong, never for decoration. */
export const CHART_COLOURS: Record<'dark' | 'light', ChartStyle['colours']> = {
  dark: {
    measured: '#dfe5e9',
    forecast: '#6ea8d8',
    limit: '#c9a35a',
    bad: '#ff7b6b',
    text: '#9aa6ae',
    grid: '#262d32',
    panel: '#1b2024',
  },
  light: {
    measured: '#1c2429',
    forecast: '#1f6aa5',
    limit: '#8a5a00',
    bad: '#b42318',
    text: '#55626b',
    grid: '#e1e5e8',
    panel: '#ffffff',
  },
}

/** The limit is drawn when the curve has come so near that leaving it out would hide something. */
const LIMIT_IN_SIGHT = 0.35
const AXIS_STEPS = 4
/** How much of the chart's width the word at a mark may take. */
const LABEL_SHARE = 0.2
/** A canvas does not inherit the page's font. */
const FONT = 'system-ui, sans-serif'

const numbers = (...columns: Column[]): number[] => columns.flat().filter((value): value is number => value !== null)

/** Upper end and step of an axis from zero: steps of 1, 2 or 5 times a power of ten, or powers of two for memory. */
export function axisOf(highest: number, base: 1024 | 10): { max: number; interval: number } {
  if (highest <= 0) return base === 10 ? { max: 1, interval: 0.5 } : { max: 1024 ** 2, interval: 512 * 1024 }
  const least = highest / AXIS_STEPS
  let interval: number
  if (base === 1024) interval = 2 ** Math.ceil(Math.log2(least))
  else {
    const power = 10 ** Math.floor(Math.log10(least))
    interval = ([1, 2, 5, 10].find((step) => step * power >= least * 0.999) ?? 10) * power
  }
  return { max: interval * Math.ceil((highest * 1.02) / interval), interval }
}

/**
 * Options of the chart of one quantity: what was measured, what had been forecast for the same moments with its band,
 * the forecast from now on, the limit, and what happened. The text in it is drawn on the canvas, never read as HTML.
 */
export function forecastChart(series: ForecastSeries, marks: readonly ChartMark[], style: ChartStyle): ChartOption {
  const { names, colours, fontSize } = style
  const at = [...series.at, ...series.ahead.at]
  const forecast = [...series.forecast, ...series.ahead.forecast]
  const lower = [...series.lower, ...series.ahead.lower].map((value) => value && Math.max(0, value))
  const upper = [...series.upper, ...series.ahead.upper]
  const highest = Math.max(0, ...numbers(series.measured, forecast, upper))
  const showLimit = series.limit !== null && highest >= LIMIT_IN_SIGHT * series.limit
  const { max, interval } = axisOf(showLimit ? Math.max(highest, series.limit ?? 0) : highest, style.base)
  const points = (column: Column) => at.map((time, row) => [time, column[row] ?? null])
  const from = at[0] ?? 0
  const to = at.at(-1) ?? 0
  const now = series.at.at(-1)
  const seen = joinMarks(
    marks.filter((mark) => mark.at >= from && mark.at <= to),
    (to - from) * LABEL_SHARE,
  )
  const label = { fontSize, fontFamily: FONT, color: colours.text }

  const lines: NonNullable<MarkLineComponentOption['data']> = seen.map((mark) => ({
    xAxis: mark.at,
    lineStyle: { color: mark.tone === 'bad' ? colours.bad : colours.text, type: 'solid', width: 1 },
    label: {
      ...label,
      show: true,
      formatter: mark.label,
      position: 'end',
      color: mark.tone === 'bad' ? colours.bad : colours.text,
    },
  }))
  if (now !== undefined) {
    lines.push({ xAxis: now, lineStyle: { color: colours.text, type: 'dotted', width: 1 }, label: { show: false } })
  }
  if (showLimit) {
    lines.push({
      yAxis: series.limit ?? 0,
      lineStyle: { color: colours.limit, type: 'dashed', width: 1.5 },
      label: {
        ...label,
        show: true,
        formatter: `${names.limit} ${style.tick(series.limit ?? 0)}`,
        position: 'insideStartBottom',
        color: colours.limit,
      },
    })
  }

  const silent = { type: 'line', symbol: 'none', silent: true, animation: false } as const
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: {
      left: 4,
      right: fontSize * 2.4,
      top: fontSize * 1.7,
      bottom: 2,
      outerBoundsMode: 'same',
      outerBoundsContain: 'axisLabel',
    },
    xAxis: {
      type: 'time',
      min: from,
      max: to,
      splitNumber: 5,
      axisLine: { lineStyle: { color: colours.grid } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { ...label, hideOverlap: true, formatter: (value: number) => style.time(value) },
    },
    yAxis: {
      type: 'value',
      min: 0,
      max,
      interval,
      axisLabel: { ...label, formatter: (value: number) => style.tick(value) },
      splitLine: { lineStyle: { color: colours.grid } },
    },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      transitionDuration: 0,
      backgroundColor: colours.panel,
      borderColor: colours.grid,
      textStyle: { fontSize, color: colours.measured, fontFamily: FONT },
      axisPointer: { animation: false, lineStyle: { color: colours.text, type: 'solid' } },
      formatter: (hovered) => {
        const row = Array.isArray(hovered) ? (hovered[0]?.dataIndex ?? 0) : hovered.dataIndex
        return tooltipText(series, row, style)
      },
    },
    series: [
      { ...silent, name: 'lower', stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 }, data: points(lower) },
      {
        ...silent,
        name: names.band,
        stack: 'band',
        stackStrategy: 'all',
        lineStyle: { opacity: 0 },
        areaStyle: { color: colours.forecast, opacity: 0.22 },
        data: points(
          upper.map((value, row) => (value === null || lower[row] === null ? null : value - (lower[row] ?? 0))),
        ),
      },
      {
        ...silent,
        name: names.forecast,
        lineStyle: { color: colours.forecast, width: 1.5, type: 'dashed' },
        data: points(forecast),
      },
      {
        ...silent,
        name: names.measured,
        lineStyle: { color: colours.measured, width: 1.5 },
        data: points(series.measured),
        markLine: { silent: true, symbol: 'none', animation: false, data: lines },
      },
    ],
  }
}

/** Marks so close that their words would lie on each other become one, with all the words. */
export function joinMarks(marks: readonly ChartMark[], closerThanMs: number): ChartMark[] {
  const joined: ChartMark[] = []
  for (const mark of [...marks].sort((a, b) => a.at - b.at)) {
    const last = joined.at(-1)
    if (!last || mark.at - last.at >= closerThanMs) {
      joined.push(mark)
      continue
    }
    const label = last.label.split(', ').includes(mark.label) ? last.label : `${last.label}, ${mark.label}`
    joined[joined.length - 1] = { at: last.at, label, tone: last.tone === 'bad' ? 'bad' : mark.tone }
  }
  return joined
}

/** What hovering over a row says: time, measured value, forecast and its range. */
export function tooltipText(series: ForecastSeries, row: number, style: ChartStyle): string {
  const past = series.at.length
  const pick = (known: Column, ahead: Column) => (row < past ? known[row] : ahead[row - past]) ?? null
  const measured = series.measured[row] ?? null
  const forecast = pick(series.forecast, series.ahead.forecast)
  const lower = pick(series.lower, series.ahead.lower)
  const upper = pick(series.upper, series.ahead.upper)
  const at = row < past ? series.at[row] : series.ahead.at[row - past]
  const lines = [at === undefined ? '' : style.time(at)]
  if (measured !== null) lines.push(`${style.names.measured}  ${style.value(measured)}`)
  if (forecast !== null) lines.push(`${style.names.forecast}  ${style.value(forecast)}`)
  if (lower !== null && upper !== null) {
    lines.push(`${style.names.band}  ${style.value(Math.max(0, lower))} \u2013 ${style.value(upper)}`)
  }
  return lines.join('\n')
}
