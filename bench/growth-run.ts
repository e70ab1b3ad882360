// `npm run bench -- --growth`: measures, shows and writes down the log as it grows.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Grown, grown, SIZES } from './growth.ts'
import { GROWTH_ENGINES, type GrowthEngine } from './growth-engines.ts'
import { growthPlot } from './growth-plot.ts'
import { filledText, growthRows, judged } from './growth-table.ts'
import { withSection } from './page.ts'
import type { Tools } from './question.ts'
import { columns, pageColumns } from './table.ts'

export const GROWTH_SECONDS = 0.5

export type GrowthRun = {
  /** Engines by their names in small letters; none: all. */
  readonly engines: readonly string[]
  readonly sizes: readonly string[]
  /** Figures of other engines, from the JSON of an earlier run on this machine. */
  readonly from: readonly string[]
  readonly write: boolean
}

/** Measured on one day on one machine, an engine after the other. */
export type Growth = { readonly seconds: number; readonly all: readonly Told[] }
type Told = Grown & { readonly day: string; readonly machine: string }

export function chosenGrowth({ engines, sizes, from, write }: GrowthRun) {
  const unknown = engines.filter((name) => !GROWTH_ENGINES.some((one) => low(one) === name))
  if (unknown.length > 0)
    throw new RangeError(
      `--engine takes ${GROWTH_ENGINES.map(low).join(' or ')}, not ${unknown[0]}`,
    )
  const lengths = sizes.length === 0 ? SIZES : sizes.map(Number).sort((a, b) => a - b)
  if (lengths.length < 2 || lengths.some((size) => !(size > 0) || size % 10_000 !== 0))
    throw new RangeError(
      '--sizes takes two or more multiples of 10000, such as --sizes 10000,100000',
    )
  const earlier = from.flatMap((file) => {
    if (!existsSync(file)) throw new RangeError(`--from: there is no file ${file}`)
    return (JSON.parse(readFileSync(file, 'utf8')) as Growth).all
  })
  const measured = GROWTH_ENGINES.filter(
    (one) => engines.includes(low(one)) || (engines.length === 0 && !earlier.some(of(one))),
  )
  const complete = GROWTH_ENGINES.every((one) => measured.includes(one) || earlier.some(of(one)))
  const asked = [lengths, ...earlier.map((one) => one.sizes)]
  if (asked.some((some) => some.join() !== lengths.join()))
    throw new RangeError('--from: those figures are of logs of other lengths')
  if (write && !(complete && lengths.join() === SIZES.join()))
    throw new RangeError(
      '--write wants both engines and all lengths: a page of parts would mislead',
    )
  return { measured, earlier, lengths }
}

const low = (engine: GrowthEngine) => engine.toLowerCase()
const of = (engine: GrowthEngine) => (one: Grown) => one.engine === engine

export async function measuredGrowth(
  tools: Tools,
  { measured, lengths }: Pick<ReturnType<typeof chosenGrowth>, 'measured' | 'lengths'>,
): Promise<readonly Grown[]> {
  const fresh: Grown[] = []
  for (const engine of measured) fresh.push(await grown(engine, tools, { sizes: lengths }))
  return fresh
}

/** Fresh figures and earlier ones, in the engines' order. */
export const together = (fresh: readonly Told[], earlier: readonly Told[]): readonly Told[] =>
  GROWTH_ENGINES.flatMap((one) => [...fresh, ...earlier].filter(of(one)).slice(0, 1))

export const growthText = ({ all, seconds }: Growth) =>
  `${toldWhen(all, seconds)}\n\n${columns(growthRows(all))}\n\n${filledText(all)}`
export const allPass = (all: readonly Grown[]) => judged(all).every(({ passes }) => passes)

export function writeGrowth(docs: string, { all, seconds }: Growth): void {
  const page = join(docs, 'performance.md')
  const inside = [
    '![The figures of the table below, against the length of the log](growth.svg)',
    toldWhen(all, seconds),
    pageColumns(growthRows(all)),
    filledText(all),
  ]
  writeFileSync(page, withSection(readFileSync(page, 'utf8'), 'growth', inside.join('\n\n')))
  writeFileSync(join(docs, 'growth.svg'), growthPlot(all))
}

function toldWhen(all: readonly Told[], seconds: number): string {
  const when = all.map(({ engine, day, machine }) => `${engine} on ${day}: ${machine}.`)
  return `${when.join(' ')} The median of five rounds of ${seconds} s, least and most in brackets.`
}
