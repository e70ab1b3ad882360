// Random questions of read models beside a plain scan of the rows: what each operator means, told
// in JavaScript. Every engine answers the same.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Condition, Filter, Row, Table, Value } from '#kernel/projection.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import type { Opened } from './opened.ts'
import type { ReadModels } from './read-models.ts'

const sales: Table = {
  name: 'sales',
  key: 'id',
  columns: {
    id: 'text',
    name: { kind: 'text', nullable: true },
    amount: { kind: 'money', nullable: true },
    open: 'bool',
    sold_at: { kind: 'instant', nullable: true },
    day: 'day',
  },
  indexes: [['name'], ['sold_at'], ['day', 'amount']],
}
const COLUMNS = Object.keys(sales.columns)
const TEXTS = ['name', 'sold_at', 'day', 'id']

const ROWS = 60
const QUESTIONS = 250

export function readModelsRandomContract(
  name: string,
  open: () => Promise<Opened<ReadModels>>,
): void {
  describe(`ReadModels, asked at random: ${name}`, () => {
    it('finds, sorts, counts and groups as a plain scan does', async (t) => {
      const seed = seedOfRun()
      t.diagnostic(`SEED=${seed}`)
      const random = seeded(seed)
      const { port: reads, remove } = await open()
      try {
        await reads.define([{ name: 'sales', version: 1, table: sales }])
        const rows = Array.from({ length: ROWS }, (_, i) => anyRow(random, i))
        const commit = { projection: 'sales', table: sales, from: 0, to: 1, upserts: rows }
        equal(await reads.commit([{ ...commit, deletes: [], park: [], unpark: [] }]), true)
        for (let i = 0; i < QUESTIONS; i++) {
          const where = anyFilter(random, rows)
          const said = JSON.stringify(where)
          const matching = rows.filter((row) => matches(row, where))
          await sorts(reads, matching, where, random)
          await groups(reads, matching, where, random)
          const { total } = await reads.find(sales, { where, limit: 0, total: true })
          equal(total, matching.length, said)
        }
      } finally {
        await reads.close()
        await remove()
      }
    })
  })
}

/** In pages, so that a cursor stands at every kind of value. */
async function sorts(
  reads: ReadModels,
  rows: readonly Row[],
  where: Filter,
  random: Random,
): Promise<void> {
  const sort = random.shuffled(COLUMNS).slice(0, random.int(0, 3))
  const sorted = [...sort.map((column) => ({ column, descending: random.chance(0.5) }))]
  const limit = random.int(1, 30)
  const seen: Row[] = []
  for (let cursor: string | undefined; ; ) {
    const place = cursor === undefined ? {} : { cursor }
    const page = await reads.find(sales, { where, sort: sorted, limit, ...place })
    seen.push(...page.items)
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  deepEqual(seen, rows.toSorted(inOrderOf(sorted)), JSON.stringify({ where, sorted, limit }))
}

async function groups(
  reads: ReadModels,
  rows: readonly Row[],
  where: Filter,
  random: Random,
): Promise<void> {
  const column = random.pick(TEXTS)
  const length = random.int(0, 26)
  const cut = (value: Value): Value =>
    typeof value === 'string' ? [...value].slice(0, length).join('') : value
  const sums = new Map<Value, { count: number; amount: number }>()
  for (const row of rows) {
    const key = cut(row[column]!)
    const sum = sums.get(key) ?? { count: 0, amount: 0 }
    sums.set(key, { count: sum.count + 1, amount: sum.amount + Number(row.amount ?? 0) })
  }
  const expected = [...sums]
    .sort(([a], [b]) => compare(a, b))
    .map(([key, sum]) => ({ [column]: key, ...sum }))
  const query = { by: [{ column, length }], sums: ['amount'], where }
  deepEqual(await reads.group(sales, query), expected, JSON.stringify(query))
}

// ── what it means ─────────────────────────────────────────────────────────────────────────────

function compare(a: Value, b: Value): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  return Number(a) - Number(b)
}

const inOrderOf =
  (sort: readonly { column: string; descending: boolean }[]) => (a: Row, b: Row) => {
    for (const { column, descending } of [...sort, { column: 'id', descending: false }]) {
      const order = compare(a[column]!, b[column]!)
      if (order !== 0) return descending ? -order : order
    }
    return 0
  }

const matches = (row: Row, where: Filter): boolean =>
  Object.entries(where).every(([column, condition]) =>
    Object.entries(condition as object).every(([operator, wanted]) =>
      holds(row[column]!, operator, wanted),
    ),
  )

const lower = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())

function holds(value: Value, operator: string, wanted: Value): boolean {
  if (operator === 'not') return compare(value, wanted) !== 0
  if (operator === 'in') return (wanted as Value[]).some((one) => compare(value, one) === 0)
  if (operator === 'eq') return compare(value, wanted) === 0
  if (value === null) return false
  switch (operator) {
    case 'contains':
      return lower(String(value)).includes(lower(String(wanted)))
    case 'starts':
      return String(value).startsWith(String(wanted))
    case 'gt':
      return compare(value, wanted) > 0
    case 'gte':
      return compare(value, wanted) >= 0
    case 'lt':
      return compare(value, wanted) < 0
    default:
      return compare(value, wanted) <= 0
  }
}

// ── made up ───────────────────────────────────────────────────────────────────────────────────

const LETTERS = ['a', 'A', 'b', 'Z', 'ä', 'Ä', '%', '_', '\\', "'", '"', '～', '😀', '\uffff']

const anyText = ({ int, pick }: Random) =>
  Array.from({ length: int(0, 4) }, () => pick(LETTERS)).join('')

/** Few days and few hours, so that they meet; the ends of the calendar too. */
function anyInstant({ int, pick, chance }: Random): string {
  if (chance(0.1)) return pick(['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])
  const time = Date.UTC(2010, int(0, 12), int(1, 28), int(0, 23), int(0, 1) * 30, 0, int(0, 2))
  return new Date(time).toISOString()
}

const anyRow = (random: Random, at: number): Row => ({
  id: `${anyText(random)}${at}`,
  name: random.chance(0.2) ? null : anyText(random),
  amount: random.chance(0.2) ? null : random.int(-3, 3),
  open: random.chance(0.5),
  sold_at: random.chance(0.2) ? null : anyInstant(random),
  day: anyInstant(random).slice(0, 10),
})

function anyFilter(random: Random, rows: readonly Row[]): Filter {
  const columns = random.shuffled(COLUMNS).slice(0, random.int(0, 2))
  return Object.fromEntries(columns.map((column) => [column, anyCondition(random, column, rows)]))
}

function anyCondition(random: Random, column: string, rows: readonly Row[]): Condition {
  const value = () => anyValue(random, column, rows)
  const comparisons = ['eq', 'not', 'in', 'gt', 'gte', 'lt', 'lte']
  const operator = random.pick(
    TEXTS.includes(column) ? [...comparisons, 'contains', 'starts'] : comparisons,
  )
  if (operator !== 'in') return { [operator]: value() }
  const list: Value[] = Array.from({ length: random.int(0, 3) }, value)
  const nullable = typeof sales.columns[column] === 'object'
  return { in: nullable && random.chance(0.3) ? [...list, null] : list }
}

/** One that is there, or a part of one, or something near it. */
function anyValue(random: Random, column: string, rows: readonly Row[]): Value {
  if (column === 'amount') return random.int(-4, 4)
  if (column === 'open') return random.chance(0.5)
  const there = String(random.pick(rows)[column] ?? '')
  const part = [...there].slice(0, random.int(0, 25)).join('')
  const behind = random.pick(['', '', '\0', '0', random.pick(LETTERS), '\ud800'])
  return (random.chance(0.5) ? there : part) + behind
}
