import type { EChartsOption } from 'echarts'
import * as echarts from 'echarts'
import type { Chart } from './row.ts'
import type { Stats } from './stats.ts'

const WIDTH = 720
const LINE = 34
/** Without quotes, because ECharts does not escape it in attributes. */
const FONT = 'system-ui, Helvetica, Arial, sans-serif'

/** The colours of the light scheme, and their replacements in the dark one. */
const COLOURS = {
  ground: { light: '#ffffff', dark: '#0d1117' },
  text: { light: '#1f2328', dark: '#e6edf3' },
  grid: { light: '#d1d9e0', dark: '#3d444d' },
  ours: { light: '#0969da', dark: '#58a6ff' },
  whisker: { light: '#0a0c10', dark: '#f0f6fc' },
}
/** Distinguishable in both schemes, also with red-green colour blindness. */
const SERIES = [
  COLOURS.ours,
  { light: '#bc4c00', dark: '#f0883e' },
  { light: '#1b7c83', dark: '#39c5cf' },
  { light: '#8250df', dark: '#bc8cff' },
  { light: '#9a6700', dark: '#d29922' },
  { light: '#bf3989', dark: '#f778ba' },
  { light: '#6e7781', dark: '#b1bac4' },
]
const LIGHT_SERIES = SERIES.map(({ light }) => light)

const TEXT = { color: COLOURS.text.light, fontFamily: FONT, fontSize: 13 }
const AXIS = {
  axisLabel: TEXT,
  nameTextStyle: TEXT,
  axisLine: { lineStyle: { color: COLOURS.grid.light } },
  axisTick: { lineStyle: { color: COLOURS.grid.light } },
  splitLine: { lineStyle: { color: COLOURS.grid.light } },
}

/** Bars with lines between the quartiles. */
export function bars(stats: Readonly<Record<string, Stats>>): EChartsOption {
  const names = Object.keys(stats)
  const values = Object.values(stats)
  return {
    xAxis: { type: 'value', ...AXIS },
    yAxis: { type: 'category', data: names, inverse: true, ...AXIS, splitLine: { show: false } },
    series: [
      {
        type: 'bar',
        barWidth: '60%',
        data: values.map(({ median }, index) => ({
          value: median,
          itemStyle: {
            color: names[index]?.startsWith('portslice')
              ? COLOURS.ours.light
              : (SERIES[6] as { light: string }).light,
          },
        })),
      },
      {
        type: 'custom',
        data: values.map(({ low, high }, index) => [low, high, index]),
        encode: { x: [0, 1], y: 2 },
        renderItem: (_, api) => {
          const [left, y] = api.coord([api.value(0), api.value(2)]) as [number, number]
          const [right] = api.coord([api.value(1), api.value(2)]) as [number]
          const style = { stroke: COLOURS.whisker.light, lineWidth: 2 }
          return { type: 'line', shape: { x1: left, x2: right, y1: y, y2: y }, style }
        },
      },
    ],
  }
}

/**
 * All series share the x values.
 *
 * @param scale `even`: distances in proportion to the numbers; `steps`: equal distances
 */
export function lines(
  scale: 'even' | 'steps',
  xLabel: string,
  xValues: readonly number[],
  series: Readonly<Record<string, readonly number[]>>,
): EChartsOption {
  return {
    legend: legendOf(series),
    xAxis: {
      ...(scale === 'even' ? { type: 'value' } : { type: 'category', data: xValues.map(String) }),
      name: xLabel,
      nameLocation: 'middle',
      nameGap: 28,
      ...AXIS,
    },
    yAxis: { type: 'value', ...AXIS },
    series: Object.entries(series).map(([name, data]) => ({
      type: 'line',
      name,
      data: data.map((value, index) =>
        scale === 'even' ? [xValues[index] as number, value] : value,
      ),
      symbolSize: 7,
      lineStyle: { width: 2 },
    })),
  }
}

/** Groups with one bar of each series. */
export function groups(
  names: readonly string[],
  series: Readonly<Record<string, readonly number[]>>,
): EChartsOption {
  return {
    legend: legendOf(series),
    xAxis: { type: 'category', data: [...names], ...AXIS },
    yAxis: { type: 'value', ...AXIS },
    series: Object.entries(series).map(([name, data]) => ({ type: 'bar', name, data: [...data] })),
  }
}

function legendOf(series: object) {
  return { bottom: 0, itemGap: 18, textStyle: TEXT, data: Object.keys(series) }
}

/** Draws an SVG with a background that follows the colour scheme of the viewer. */
export function drawChart({ title, option }: Chart): string {
  const isBars = !('legend' in option)
  const categories = isBars ? (option.yAxis as { data: string[] }).data.length : 0
  const height = isBars ? 80 + categories * LINE : 380
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: COLOURS.ground.light,
      color: LIGHT_SERIES,
      textStyle: TEXT,
      title: { text: title, left: 12, top: 8, textStyle: { ...TEXT, fontSize: 15 } },
      grid: {
        left: 16,
        right: 28,
        top: 44,
        bottom: isBars ? 12 : 64,
        outerBoundsMode: 'same',
        outerBoundsContain: 'axisLabel',
      },
      ...option,
      series: (option.series as object[]).map((each) => ({ silent: true, ...each })),
    })
    return inBothSchemes(chart.renderToSVGString(), title)
  } finally {
    chart.dispose()
  }
}

function inBothSchemes(svg: string, title: string): string {
  const rules = [...Object.values(COLOURS), ...SERIES].flatMap(({ light, dark }) => [
    `[fill="${light}"] { fill: ${dark} }`,
    `[stroke="${light}"] { stroke: ${dark} }`,
  ])
  const style = `<style>svg { color-scheme: light dark } @media (prefers-color-scheme: dark) { ${[...new Set(rules)].join(' ')} }</style>`
  const label = title.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  return `${svg.replace(/<svg ([^>]*)>/, `<svg $1 role="img" aria-label="${label}">\n${style}`)}\n`
}
