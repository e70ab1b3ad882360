// A search among 100,000 products, as people type: words of names by how common they are, the last
// unfinished, some mistyped; codes and their beginnings; with filters and without. Straight through
// the query to the read models, without a server around it and without a cache.

import { join } from 'node:path'
import { productQueries } from '#contexts/catalog/product-queries.ts'
import { productReadView } from '#contexts/catalog/product-read-view.ts'
import type { Row } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'
import { openReadModels as openOnPostgres } from '#storage/postgres/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { openReadModels as openOnSqlite } from '#storage/sqlite/read-models.ts'
import { type Random, seeded } from '#testing/random.ts'
import type { Question, Result, Round, Tools } from './question.ts'
import { itself, percentile } from './rounds.ts'

const LIMITS = { better: 'less', at_least: 20, aim: 10 } as const
const SEED = 20_101_201
const PAGE = 1_000
const ROUNDS = 3
const WARM = 50

/** A test has no minutes. */
export type SearchSize = { readonly products: number; readonly searches: number }

export const searchOn = (
  engine: 'SQLite' | 'PostgreSQL',
  size: SearchSize = { products: 100_000, searches: 600 },
): Question => ({
  name: engine === 'SQLite' ? 'search' : 'postgres-search',
  about: `p99 of a search among ${size.products.toLocaleString('en-US')} products, on ${engine}`,
  answer: (tools) => answered(engine, size, tools),
})

async function answered(
  engine: 'SQLite' | 'PostgreSQL',
  { products, searches }: SearchSize,
  tools: Tools,
): Promise<readonly Result[]> {
  const work = async (reads: ReadModels) => {
    try {
      const goods = goodsFor(seeded(SEED))
      await filled(reads, products, goods, tools)
      return await measured(reads, products, searches, goods, tools)
    } finally {
      await reads.close()
    }
  }
  const { rounds, found } =
    engine === 'SQLite'
      ? await work(await openOnSqlite({ path: join(tools.folder(), 'views.db') }))
      : await (await tools.postgres()).withDatabase(async (url) =>
          work(await openOnPostgres({ url })),
        )
  const all = rounds.flatMap(({ ours }) => ours)
  const judged: readonly Round[] = rounds.map(({ ours, raw }) => ({
    ours: percentile(ours, 0.99),
    raw: percentile(raw, 0.99),
  }))
  return [
    {
      name: engine === 'SQLite' ? 'search' : 'postgres-search',
      measure: `search among ${products.toLocaleString('en-US')} products, p99, ${engine}`,
      baseline: 'p99 of a page of the list, by code',
      ...itself(judged, 'ms'),
      limits: LIMITS,
      notes: [
        `p50 ${percentile(all, 0.5).toFixed(2)} ms, p90 ${percentile(all, 0.9).toFixed(2)} ms, ` +
          `most ${Math.max(...all).toFixed(2)} ms; ${found} of ${all.length} found something`,
      ],
    },
  ]
}

type Timed = { readonly ours: readonly number[]; readonly raw: readonly number[] }

async function measured(
  reads: ReadModels,
  products: number,
  searches: number,
  goods: Goods,
  { tell }: Tools,
): Promise<{ readonly rounds: readonly Timed[]; readonly found: number }> {
  const search = productQueries({ enriched: true }).find(({ type }) => type === 'SearchProducts')!
  // All that this query reads with.
  const reader = { find: (of, query) => reads.find(of.table, query) } as Pick<
    Reader,
    'find'
  > as Reader
  const timed = async (input: object) => {
    const begun = performance.now()
    const { items } = (await search.run(input as never, reader)) as { items: readonly unknown[] }
    return { ms: performance.now() - begun, found: items.length > 0 }
  }
  for (let at = 0; at < WARM; at++) await timed(goods.question(products))
  const rounds: Timed[] = []
  let found = 0
  for (let round = 0; round < ROUNDS; round++) {
    tell(`round ${round + 1} of ${ROUNDS}`)
    const [ours, raw]: [number[], number[]] = [[], []]
    for (let at = 0; at < Math.ceil(searches / ROUNDS); at++) {
      const asked = await timed(goods.question(products))
      ours.push(asked.ms)
      if (asked.found) found++
      raw.push((await timed({ limit: 50 })).ms)
    }
    rounds.push({ ours, raw })
  }
  return { rounds, found }
}

// ── goods ─────────────────────────────────────────────────────────────────────────────────────

type Goods = ReturnType<typeof goodsFor>

const WORDS = 3_000
/** The most common word is in about every sixteenth name, as in a real shop's list. */
const FLATTENED = 10
const SYLLABLES = 'la ber ton mi sor ek ra nu vel po tin gra sh or ul em bri ka do fen'.split(' ')

function goodsFor(random: Random) {
  const words = new Set<string>()
  while (words.size < WORDS)
    words.add(Array.from({ length: random.int(2, 4) }, () => random.pick(SYLLABLES)).join(''))
  const ordered = [...words]
  const sums: number[] = []
  for (let rank = 0; rank < WORDS; rank++) sums.push((sums.at(-1) ?? 0) + 1 / (rank + FLATTENED))
  const word = () => {
    const at = (random.int(0, 1e9) / 1e9) * sums.at(-1)!
    return ordered[sums.findIndex((sum) => sum >= at)]!
  }
  const text = (count: number) => Array.from({ length: count }, word).join(' ')
  const codeOf = (at: number) => `P-${String((at * 7_919) % 1_000_003).padStart(7, '0')}`
  return {
    row: (at: number): Row => productRow(at, codeOf(at), text(4), text(8)),
    /** What somebody asks for. */
    question(products: number): object {
      const filter = random.pick([{}, {}, { in_stock_only: true }, { department_id: 'd7' }])
      if (random.chance(0.2)) {
        const code = codeOf(random.int(0, products - 1))
        return { search_term: code.slice(0, random.int(4, code.length)), ...filter }
      }
      const asked = text(random.int(1, 3))
      const typed = random.chance(0.4) ? asked.slice(0, asked.length - random.int(1, 3)) : asked
      return { search_term: random.chance(0.15) ? mistyped(typed, random) : typed, ...filter }
    },
  }
}

function mistyped(text: string, { int, pick }: Random): string {
  const at = int(0, text.length - 1)
  return text.slice(0, at) + pick(['', 'x', 'e']) + text.slice(at + 1)
}

const NOW = '2026-01-01T00:00:00.000Z'
const productRow = (at: number, code: string, name: string, description: string): Row => ({
  product_id: `01939b5a-7c1e-7000-8000-${String(at).padStart(12, '0')}`,
  code,
  name,
  description,
  sell_price_minor: 100 + (at % 900),
  cost_price_minor: 50,
  currency: 'EUR',
  department_id: `d${at % 20}`,
  department_name: `Department ${at % 20}`,
  quantity_scale: 0,
  min_stock: 1,
  quantity_in_stock: at % 9,
  reserved_quantity: 0,
  available_quantity: at % 9,
  stocked_stores: 1,
  has_inventory: true,
  in_stock: at % 9 > 0,
  is_low_stock: at % 9 < 1,
  is_active: at % 50 > 0,
  created_at: NOW,
  updated_at: NOW,
  version: 1,
})

async function filled(reads: ReadModels, products: number, goods: Goods, { tell }: Tools) {
  const { name, version, table } = productReadView
  await reads.define([{ name, version, table }])
  const rest = { projection: name, table, deletes: [], park: [], unpark: [] }
  for (let from = 0; from < products; from += PAGE) {
    tell(`filling, ${Math.floor((100 * from) / products)} %`)
    const count = Math.min(PAGE, products - from)
    const upserts = Array.from({ length: count }, (_, i) => goods.row(from + i))
    if (!(await reads.commit([{ ...rest, from, to: from + count, upserts }])))
      throw new Error('the read models of the bench belong to somebody else')
  }
}
