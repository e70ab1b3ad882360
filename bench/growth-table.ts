// Growth judged and shown: each row's figure at each length, its ratio, and whether that may be.
import type { Grown } from './growth.ts'
import { type GrowthUnit, ROWS, type RowName } from './growth-rows.ts'
import { median } from './rounds.ts'

/** Median, least and most of the rounds. */
export type Cell = { readonly middle: number; readonly low: number; readonly high: number }

export type Judged = {
  readonly name: RowName
  readonly engine: Grown['engine']
  /** For each length. */
  readonly cells: readonly Cell[]
  /** Of the longest log to the shortest: each round's own, then their median. */
  readonly ratio: number
  readonly passes: boolean
}

export const judged = (all: readonly Grown[]): readonly Judged[] =>
  (Object.keys(ROWS) as RowName[]).flatMap((name) =>
    all.flatMap(({ engine, sizes, rows }) => {
      const rounds = rows[name]
      if (rounds === undefined) return []
      const cells = sizes.map((_, at) => cellOf(rounds.map((round) => round[at]!)))
      const ratio = median(rounds.map((round) => round.at(-1)! / round[0]!))
      return [{ name, engine, cells, ratio, passes: ratio <= ROWS[name].at_most }]
    }),
  )

const cellOf = (values: readonly number[]): Cell => ({
  middle: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
})

const DIGITS: Readonly<Record<GrowthUnit, number>> = { µs: 1, ms: 0, MB: 0, bytes: 0 }

const number = (value: number, unit: GrowthUnit) =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 1_000 ? DIGITS[unit] : 0 })

function cellShown({ middle, low, high }: Cell, unit: GrowthUnit): string {
  const [least, most] = [number(low, unit), number(high, unit)]
  return `${number(middle, unit)} ${unit}${least === most ? '' : ` (${least}–${most})`}`
}

export const lengthShown = (events: number) =>
  events >= 1e6 ? `${events / 1e6} million` : `${events / 1e3} thousand`

export function growthRows(all: readonly Grown[]): readonly (readonly string[])[] {
  const sizes = all[0]!.sizes.map(lengthShown)
  const head = ['measure', 'engine', ...sizes, 'ratio', 'at most', 'verdict']
  const body = judged(all).map(({ name, engine, cells, ratio, passes }) => {
    const { measure, unit, at_most } = ROWS[name]
    const figures = cells.map((cell) => cellShown(cell, unit))
    const limits = [ratio.toFixed(2), at_most.toFixed(2), passes ? 'PASS' : 'FAIL']
    return [measure, engine, ...figures, ...limits]
  })
  return [head, ...body]
}

export const filledText = (all: readonly Grown[]) =>
  `Filled through the bulk import: ${all
    .map(({ engine, filled }) => `${engine} ${number(filled, 'bytes')} events/s`)
    .join(', ')}.`
