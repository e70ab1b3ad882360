// Compares two tables of the same columns row by row, in pages sorted by key, and what is kept as
// totals beside them. What it tells goes to terminals, logs and answers: the columns that differ,
// and of persons no more than that.
import { isDeepStrictEqual } from 'node:util'
import type { Row, Table, Value } from '#kernel/projection.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Difference } from './operations.ts'

export type Side = { readonly reads: ReadModels; readonly table: Table }
export type Comparison = {
  /** Keys on either side. */
  readonly compared: number
  readonly differing: number
  /** The first of them. */
  readonly differences: readonly Difference[]
}

const PAGE = 1_000
const DIFFERENCES_MAX = 100

export async function compareTables(live: Side, rebuilt: Side): Promise<Comparison> {
  const differences: Difference[] = []
  let [compared, differing] = [0, 0]
  const [lefts, rights] = [rowsOf(live), rowsOf(rebuilt)]
  let [left, right] = [await nextOf(lefts), await nextOf(rights)]
  while (left !== null || right !== null) {
    const order = orderOf(left, right, live.table.key)
    const [mine, other]: [Row | null, Row | null] = [
      order <= 0 ? left : null,
      order >= 0 ? right : null,
    ]
    compared++
    if (mine === null || other === null || !isDeepStrictEqual(mine, other)) {
      differing++
      // The order says that at least one of the two is a row.
      const key = (mine ?? other)![live.table.key] as string
      if (differences.length < DIFFERENCES_MAX)
        differences.push({ key, ...told(live.table, mine, other) })
    }
    if (order <= 0) left = await nextOf(lefts)
    if (order >= 0) right = await nextOf(rights)
  }
  const totals = await differingTotals(live, rebuilt)
  return {
    compared,
    differing: differing + totals.length,
    differences: [...differences, ...totals].slice(0, DIFFERENCES_MAX),
  }
}

/** Where the rows are the same, their totals are too, unless those were kept badly. */
async function differingTotals(live: Side, rebuilt: Side): Promise<readonly Difference[]> {
  const { totals } = live.table
  if (totals === undefined) return []
  const { by, sums } = totals
  const told = async ({ reads, table }: Side) => {
    const groups = await reads.group(table, { by, sums }).catch((error) => {
      // What is beyond an integer in the rows cannot be told of their totals either.
      if (error instanceof RangeError) return reads.group(table, { by, sums: [] })
      throw error
    })
    return new Map(groups.map((row) => [JSON.stringify(by.map((name) => row[name])), row]))
  }
  const [mine, other] = [await told(live), await told(rebuilt)]
  return [...new Set([...mine.keys(), ...other.keys()])]
    .filter((key) => !isDeepStrictEqual(mine.get(key), other.get(key)))
    .map((key) => ({
      key: `(total of ${by.join(', ')} = ${key})`,
      live: mine.get(key) ?? null,
      rebuilt: other.get(key) ?? null,
    }))
}

/** Stands for a value that tells of a person. */
export const MASKED = '(personal, not shown)'

/** Where the two differ; all columns of a row that stands alone. */
function told(
  { columns }: Table,
  live: Row | null,
  rebuilt: Row | null,
): Pick<Difference, 'live' | 'rebuilt'> {
  const names = Object.keys(live ?? rebuilt ?? {}).filter(
    (name) => live === null || rebuilt === null || !isDeepStrictEqual(live[name], rebuilt[name]),
  )
  const shown = (name: string, value: Value): Value => {
    const column = columns[name]
    const isPersonal = typeof column === 'object' && column.personal === true
    return isPersonal && value !== null ? MASKED : value
  }
  const part = (row: Row | null) =>
    row && Object.fromEntries(names.map((name) => [name, shown(name, row[name]!)]))
  return { live: part(live), rebuilt: part(rebuilt) }
}

async function* rowsOf({ reads, table }: Side): AsyncGenerator<Row> {
  const sort = [{ column: table.key }]
  for (let after: Row | undefined; ; ) {
    const where = after === undefined ? {} : { [table.key]: { gt: after[table.key]! } }
    const { items } = await reads.find(table, { where, sort, limit: PAGE })
    yield* items
    if (items.length < PAGE) return
    after = items.at(-1)
  }
}

const nextOf = async (rows: AsyncGenerator<Row>): Promise<Row | null> => {
  const { done, value } = await rows.next()
  return done === true ? null : value
}

/** Which of the two comes first; one that is not there comes last. */
function orderOf(left: Row | null, right: Row | null, key: string): number {
  if (left === null || right === null) return left === null ? 1 : -1
  const [a, b] = [left[key] as string, right[key] as string]
  // Bytewise, as every engine sorts; the order of UTF-16 units is another one.
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}
