// Growth as a picture: a small chart for each row, the log's length along a logarithmic axis, one
// line for each engine. Reads in light and in dark.
import type { Grown } from './growth.ts'
import { ROWS } from './growth-rows.ts'
import { type Cell, type Judged, judged, lengthShown } from './growth-table.ts'

const COLUMNS = 3
const WIDTH = 300
const HEIGHT = 190
/** Around the chart, in its panel. */
const MARGIN = { left: 52, right: 18, top: 38, bottom: 30 }
const HEAD = 40
const TICKS = 4

const STYLE = `
    .page { fill: #fbfaf7 } .axis { stroke: #b9b2a3; stroke-width: 1 } .grid { stroke: #e6e1d6 }
    text { fill: #26231d } .small { font-size: 11px; fill: #5a5547 } .name { font-weight: 600 }
    .line { fill: none; stroke-width: 2 } .spread { stroke-width: 1.5 }
    .SQLite { stroke: #2f6db3 } .PostgreSQL { stroke: #b8562b }
    .dot.SQLite { fill: #2f6db3 } .dot.PostgreSQL { fill: #b8562b }
    @media (prefers-color-scheme: dark) {
      .page { fill: #1d1c1a } .axis { stroke: #5e594d } .grid { stroke: #33312c }
      text { fill: #efece4 } .small { fill: #b8b1a1 }
      .SQLite { stroke: #7fb2ea } .PostgreSQL { stroke: #eb9a6e }
      .dot.SQLite { fill: #7fb2ea } .dot.PostgreSQL { fill: #eb9a6e }
    }`

export function growthPlot(all: readonly Grown[]): string {
  const rows = judged(all)
  const { sizes } = all[0]!
  const names = [...new Set(rows.map(({ name }) => name))]
  const width = COLUMNS * WIDTH
  const height = HEAD + Math.ceil(names.length / COLUMNS) * HEIGHT + 10
  const panels = names.map((name, at) => {
    const [x, y] = [(at % COLUMNS) * WIDTH, HEAD + Math.floor(at / COLUMNS) * HEIGHT]
    return `  <g transform="translate(${x} ${y})">\n${panel(
      rows.filter((row) => row.name === name),
      sizes,
    )}\n  </g>`
  })
  const legend = all.map(({ engine }, at) => {
    const x = MARGIN.left + at * 110
    return (
      line(`line ${engine}`, [x, 22], [x + 22, 22]) +
      `<circle class="dot ${engine}" cx="${x + 11}" cy="22" r="3.5"/>` +
      `<text x="${x + 30}" y="26">${engine}</text>`
    )
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"`,
    '  aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="13">',
    '  <title id="t">The log as it grows</title>',
    `  <desc id="d">${described(rows, sizes)}</desc>`,
    `  <style>${STYLE}\n  </style>`,
    `  <rect class="page" width="${width}" height="${height}" rx="10"/>`,
    ...legend,
    ...panels,
    '</svg>',
    '',
  ].join('\n')
}

/** For those who hear it: each row's figures, in order of the lengths. */
function described(rows: readonly Judged[], sizes: readonly number[]): string {
  const told = rows.map(({ name, engine, cells }) => {
    const figures = cells.map(({ middle }) => label(middle)).join(', ')
    return `${ROWS[name].measure}, ${engine}: ${figures}`
  })
  return `At ${sizes.map(lengthShown).join(', ')} events. ${told.join('. ')}.`
}

/** The rows are one measure's, an engine each. */
function panel(rows: readonly Judged[], sizes: readonly number[]): string {
  const { measure, unit } = ROWS[rows[0]!.name]
  const top = niceTop(Math.max(...rows.flatMap(({ cells }) => cells.map(({ high }) => high))))
  const [first, last] = [Math.log10(sizes[0]!), Math.log10(sizes.at(-1)!)]
  const [inner, tall] = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom]
  const x = (size: number) =>
    fixed(MARGIN.left + 14 + ((Math.log10(size) - first) / (last - first)) * (inner - 28))
  const y = (value: number) => fixed(MARGIN.top + tall * (1 - value / top))
  const ticks = Array.from({ length: TICKS + 1 }, (_, at) => (top * at) / TICKS)
  const right = WIDTH - MARGIN.right
  const text = (at: readonly number[], more: string, shown: string) =>
    `    <text x="${at[0]}" y="${at[1]}" ${more}>${shown}</text>`
  return [
    text([14, 18], 'class="name"', `${measure}, ${unit}`),
    ...ticks.flatMap((tick) => [
      line(tick === 0 ? 'axis' : 'grid', [MARGIN.left, y(tick)], [right, y(tick)]),
      text([MARGIN.left - 6, y(tick) + 4], 'class="small" text-anchor="end"', label(tick)),
    ]),
    ...sizes.map((size) =>
      text([x(size), HEIGHT - 12], 'class="small" text-anchor="middle"', shortLength(size)),
    ),
    ...rows.map(({ engine, cells }) => {
      const points = cells.map(({ middle }, at) => `${x(sizes[at]!)},${y(middle)}`).join(' ')
      const marks = cells.map((cell, at) => mark(engine, cell, x(sizes[at]!), y))
      return `    <polyline class="line ${engine}" points="${points}"/>\n${marks.join('\n')}`
    }),
  ].join('\n')
}

const line = (kind: string, [x1, y1]: readonly number[], [x2, y2]: readonly number[]) =>
  `    <line class="${kind}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`

function mark(engine: string, { middle, low, high }: Cell, x: number, y: (v: number) => number) {
  const spread = line(`spread ${engine}`, [x, y(low)], [x, y(high)])
  return `${spread}\n    <circle class="dot ${engine}" cx="${x}" cy="${y(middle)}" r="3.5"/>`
}

/** The next of 1, 2, 4, 5, 8 times a power of ten: its quarters are short numbers. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most))
  return power * ([1, 2, 4, 5, 8, 10].find((step) => step * power >= most) ?? 10)
}

const fixed = (value: number) => Number(value.toFixed(1))
const label = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
const shortLength = (events: number) => (events >= 1e6 ? `${events / 1e6}M` : `${events / 1e3}k`)
