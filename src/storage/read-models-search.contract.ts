// What a search finds and in which order, by one list of examples for every engine; that its index
// follows the rows, through rebuilds and erasure; and searches at random beside a plain scan.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Find, Found, Row, Sort, Specification, Table } from '#kernel/projection.ts'
import {
  doubtfulWords,
  meantWords,
  rankIn,
  searchDocument,
  searchFor,
  searchNear,
} from '#kernel/search.ts'
import { matches } from '#kernel/specification.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import type { Opened } from './opened.ts'
import type { Commit, ReadModels } from './read-models.ts'
import { BROAD, SKIPPED_MAX } from './search-steps.ts'

const goods: Table = {
  name: 'goods',
  key: 'id',
  columns: {
    id: 'text',
    code: { kind: 'text', nullable: true },
    name: 'text',
    description: { kind: 'text', nullable: true },
    shelf: 'text',
    in_stock: 'bool',
    price_minor: 'money',
  },
  indexes: [['shelf', 'code']],
  search: { code: 'code', name: 'name', description: 'text' },
}
const good = (id: string, code: string | null, name: string, more: Row = {}): Row => ({
  ...{ id, code, name, description: null, shelf: 'x', in_stock: true, price_minor: 100 },
  ...more,
})
const described = (description: string, more: Row = {}) => ({ description, ...more })

const ROWS = [
  good('a', 'LAN-001', 'Red Lantern'),
  good('b', 'LAN-002', 'White hanging heart lantern', described('A red tassel', { shelf: 'y' })),
  good('c', 'BAG-LAN', 'Shopping bag', described('Fits one lantern', { in_stock: false })),
  good('d', '85123A', 'White metal lantern', described('Handmade', { price_minor: 5 })),
  good('e', '85123', 'Cream cupid hearts coat hanger', described('', { in_stock: false })),
  good('f', 'red', 'Children’s Café Straße', described('naïve ÆGIR İstanbul')),
  good('g', 'X', "Women's “Übergröße” shoes", described('size: 42/43')),
  good('h', null, 'がぎぐ 灯籠 фонарь', described('ΣΊΣΥΦΟΣ')),
  good('i', 'c++', '100% cotton', described('"AND" OR NOT NEAR(x) * :B & | !')),
  good('j', 'LAN-100', 'lanterns', { shelf: 'y', price_minor: 1 }),
]
/** So many that no engine gathers them all before it sorts. */
const MANY = 4_500
const SORT: readonly Sort[] = [{ column: 'in_stock', descending: true }, { column: 'id' }]

/** What is typed, and what is found, in this order. */
const VECTORS: readonly [what: string, text: string, found: string][] = [
  ['a word, in names before texts', 'lantern', 'abdjc'],
  ['a word of any case', 'LANTERN', 'abdjc'],
  ['several words: all of them, names before texts', 'red lantern', 'ab'],
  ['words in any order', 'lantern red', 'ab'],
  ['words that no row has together', 'red shopping', ''],
  ['the last word by its beginning', 'white lan', 'bd'],
  ['not an earlier word by its beginning', 'whi lantern', ''],
  ['a single letter by its beginning', 'c', 'ife'],
  ['a code, before all that begins so', '85123', 'ed'],
  ['a code in other letters', '85123a', 'd'],
  ['the beginning of codes', '8512', 'de'],
  ['a code without its dashes', 'lan001', 'a'],
  ['a code with other dashes', 'lan 001', 'a'],
  ['the beginning of a code, over its dash', 'lan-0', 'ab'],
  ['a code before a word of a name', 'red', 'fab'],
  ['the beginning of codes before words', 'lan', 'abjcd'],
  ['a part of a code that is a word', '001', 'a'],
  ['a code with signs, by its letters', 'c++', 'ife'],
  ['accents that were not typed', 'cafe naive', 'f'],
  ['accents that were', 'CAFÉ', 'f'],
  ['accents in two characters', 'cafe\u0301', 'f'],
  ['sharp s', 'strasse', 'f'],
  ['a ligature', 'aegir', 'f'],
  ['a Turkish capital', 'istanbul', 'f'],
  ['an umlaut', 'ubergrosse', 'g'],
  ['an apostrophe', "women's", 'g'],
  ['no apostrophe', 'womens shoes', 'g'],
  ['a curly apostrophe', 'childrens', 'f'],
  ['numbers', '42', 'g'],
  ['Cyrillic', 'ФОНАРЬ', 'h'],
  ['Greek, whatever its last letter', 'σίσυφος', 'h'],
  ['Japanese by its beginning', '灯', 'h'],
  ['marks that make another letter', 'か', ''],
  ['a letter too many, and with a second mistake', 'lantterns', 'jabdc'],
  ['a letter too few', 'lanern', 'abdc'],
  ['another letter', 'lamtern', 'abdc'],
  ['the first letter mistaken', 'pantern', 'abdc'],
  ['two letters swapped', 'lantren', 'abdc'],
  ['the first two letters swapped', 'alntern', 'abdc'],
  ['two mistakes in a long word', 'handmaed1', ''],
  ['two mistakes in a long word of letters', 'hamdmaed', 'd'],
  ['three mistakes, which are too many', 'hamtmaed', ''],
  ['one mistake in a word of four letters', 'coad', 'e'],
  ['no mistake in a word of three', 'rad', ''],
  ['no mistake in a number', '85124', ''],
  ['a mistake beside a word that is right', 'wihte metal', 'd'],
  ['a mistake beside the beginning of a word', 'wihte me', 'd'],
  ['a word that there is, mistaken for another', 'bag lantern', 'c'],
  ['what there is as it is written, though others are near', 'heart', 'be'],
  ['no words at all', '?! … ---', ''],
  ['blanks', ' \t\n ', ''],
  ['a NUL among words', 'red\0lantern', 'ab'],
  ['only a NUL', '\0', ''],
  ['half a character', '\ud83d', ''],
  ['half a character in a word', 'lan\ud83dtern', ''],
  ['quotes', '"red" \'lantern\'', 'ab'],
  ['words of search languages', 'AND OR NOT NEAR', 'i'],
  ['signs of search languages', 'lantern* & !red | (x', ''],
  ['column names of an index', 'name:lantern', ''],
  ['SQL', "'; DROP TABLE goods; --", ''],
  ['more words than are looked at', `${'red '.repeat(7)}lantern whatever comes then`, 'ab'],
  ['one very long word', 'lantern'.repeat(2_000), ''],
  ['ten thousand words', 'lantern '.repeat(10_000), 'abdc'],
]

export function readModelsSearchContract(
  name: string,
  open: () => Promise<Opened<ReadModels>>,
): void {
  describe(`ReadModels, searched: ${name}`, () => {
    let opened: Opened<ReadModels>
    let reads: ReadModels
    beforeEach(async () => {
      opened = await open()
      reads = opened.port
      await reads.define([{ name: 'goods', version: 1, table: goods }])
    })
    afterEach(async () => {
      await reads.close()
      await opened.remove()
    })

    const put = async (upserts: readonly Row[], deletes: readonly string[] = []) => {
      const from = (await reads.checkpoints()).get('goods')!
      equal(await reads.commit([changed(from, upserts, deletes)]), true)
    }
    const ask = (text: string, more: Partial<Find> = {}): Promise<Found> =>
      reads.find(goods, { limit: 100, sort: SORT, search: { text }, total: true, ...more })
    const idsIn = (found: Found) => found.items.map(({ id }) => id).join('')

    it('finds what is meant, the best first', async () => {
      await put(ROWS)
      const wrong: string[] = []
      for (const [what, text, expected] of VECTORS) {
        const found = await ask(text)
        equal(found.total, found.items.length)
        if (idsIn(found) !== expected) wrong.push(`${what}: ${idsIn(found)}, not ${expected}`)
        const scanned = scan(ROWS, text, {})
          .map(({ id }) => id)
          .join('')
        if (scanned !== expected) wrong.push(`${what}, scanned: ${scanned}, not ${expected}`)
      }
      deepEqual(wrong, [])
    })

    it('finds among those that fulfil a condition, and counts them', async () => {
      await put(ROWS)
      equal(idsIn(await ask('lantern', { where: { shelf: 'y' } })), 'bj')
      equal((await ask('lantern', { where: { shelf: 'y' }, limit: 1 })).total, 2)
      equal((await ask('lantern', { where: { in_stock: true }, limit: 0 })).total, 4)
      equal(idsIn(await ask('lantern', { where: { shelf: 'z' } })), '')
    })

    it('does not forgive a mistake because a condition left nothing', async () => {
      await put(ROWS)
      equal(idsIn(await ask('coat')), 'e')
      await put([good('k', 'K', 'goat')])
      equal(idsIn(await ask('coat', { where: { id: 'k' } })), '')
      equal(idsIn(await ask('moat', { where: { id: 'k' } })), 'k')
    })

    it('leaves the order to a sort alone where it is told to', async () => {
      await put(ROWS)
      const search = { text: 'lantern', ranked: false }
      const sort = [{ column: 'price_minor' }, { column: 'id', descending: true }]
      equal(idsIn(await ask('', { search, sort })), 'jdcba')
    })

    it('gives pages that follow each other', async () => {
      await put(ROWS)
      for (const [text, ranked] of [
        ['lan', true],
        ['lantren', true],
        ['lan', false],
      ] as const) {
        const search = { text, ranked }
        const whole = idsIn(await ask('', { search }))
        let seen = ''
        let cursor: string | null = null
        do {
          const page: Found = await ask('', {
            search,
            limit: 2,
            ...(cursor === null ? {} : { cursor }),
          })
          ok(page.items.length <= 2)
          equal(page.total, whole.length)
          seen += idsIn(page)
          cursor = page.next_cursor
        } while (cursor !== null)
        equal(seen, whole)
        ok(whole.length > 3)
        equal(idsIn(await ask('', { search, limit: 2, offset: 1 })), whole.slice(1, 3))
      }
    })

    it('gives pages of very many in the same order, but does not count them', async () => {
      const many = Array.from({ length: MANY }, (_, i) =>
        good(`m${String(i * 7919).padStart(9, '0')}`, `LAN-${i}`, i % 9 ? 'Red lantern' : 'Box', {
          description: i % 5 ? 'a lantern' : null,
          in_stock: i % 2 === 0,
          shelf: `s${i % 40}`,
        }),
      )
      const rows = [...many, good('z', 'LANTERN', 'Box'), good('y', 'LANTERN2', 'Box')]
      await put(rows)
      const orders = { ranked: SORT, unranked: [{ column: 'id' }] }
      for (const [text, sort, where] of [
        ['lantern', orders.ranked, {}],
        ['lantern', orders.ranked, { shelf: 's7' }],
        ['lantern', orders.ranked, { or: [{ shelf: 's7' }, { shelf: 's8' }] }],
        ['lantren', orders.ranked, {}],
        ['l', orders.ranked, { in_stock: true }],
      ] as const) {
        const expected = scan(rows, text, where).map(({ id }) => id)
        const seen: unknown[] = []
        let cursor: string | null = null
        do {
          const more: Partial<Find> = cursor === null ? {} : { cursor }
          const page: Found = await ask(text, { where, sort, limit: BROAD, ...more })
          equal(page.total, expected.length > BROAD || cursor !== null ? null : expected.length)
          seen.push(...page.items.map(({ id }) => id))
          cursor = page.next_cursor
        } while (cursor !== null)
        deepEqual(seen, expected, text)
        const some = await ask(text, { where, limit: 5, offset: 3 })
        deepEqual(
          some.items.map(({ id }) => id),
          expected.slice(3, 8),
          `${text}, further on`,
        )
      }
      const search = { text: 'lantern', ranked: false }
      const plain = await ask('', { search, sort: orders.unranked, limit: 5, offset: 1_000 })
      const ids = scan(rows, 'lantern', {})
        .map(({ id }) => String(id))
        .sort()
      deepEqual(
        plain.items.map(({ id }) => id),
        ids.slice(1_000, 1_005),
      )
    })

    it('refuses the cursor of another search', async () => {
      await put(ROWS)
      const cursor = (await ask('lan', { limit: 1 })).next_cursor!
      const others: Partial<Find>[] = [
        { search: { text: 'lantern' } },
        { search: { text: 'lan', ranked: false } },
        { where: { in_stock: true } },
        { sort: [] },
      ]
      for (const other of others)
        await rejects(ask('lan', { cursor, ...other }), { name: 'InvalidQuery', field: 'cursor' })
    })

    it('skips so many hits and no more: further on go cursors', async () => {
      await put(ROWS)
      const most = SKIPPED_MAX
      for (const ranked of [true, false]) {
        const search = { text: 'lan', ranked }
        deepEqual((await ask('', { search, offset: most })).items, [])
        const beyond = ask('', { search, offset: most + 1 })
        await rejects(beyond, { name: 'InvalidQuery', field: 'offset' })
      }
      deepEqual((await reads.find(goods, { limit: 1, offset: most + 1 })).items, [])
    })

    it('is not what every table has', async () => {
      const { search, ...plain } = { ...goods, name: 'plain' }
      await reads.define([{ name: 'plain', version: 1, table: plain }])
      const asked = reads.find(plain, { limit: 1, search: { text: 'a' } })
      await rejects(asked, { name: 'InvalidQuery', field: 'search' })
      for (const column of ['nope', 'in_stock']) {
        const odd = { ...goods, name: 'odd', search: { [column]: 'name' as const } }
        await rejects(reads.define([{ name: 'odd', version: 1, table: odd }]), /has a search over/)
      }
    })

    it('follows rows that change, come and go', async () => {
      await put(ROWS)
      await put([good('a', 'LAN-001', 'Blue candle')])
      equal(idsIn(await ask('red lantern')), 'b')
      equal(idsIn(await ask('blue candle')), 'a')
      await put([], ['a'])
      equal(idsIn(await ask('blue candle')), '')
      await put([good('a', 'LAN-001', 'Green candle'), good('a', 'LAN-001', 'Pink candle')])
      equal(idsIn(await ask('candle')), 'a')
      equal(idsIn(await ask('green')), '')
      await put([good('b', null, 'candle')], ['a', 'b'])
      equal(idsIn(await ask('candle')), 'b')
      equal(idsIn(await ask('candel')), 'b')
    })

    it('forgets a word with the last row that had it, also for those who mistype it', async () => {
      await put([good('a', null, 'Ada Lovelace'), good('b', null, 'Bob Lovelace')])
      equal(idsIn(await ask('lovlace')), 'ab')
      await put([good('a', null, 'gone')])
      equal(idsIn(await ask('lovlace')), 'b')
      await put([], ['b'])
      equal(idsIn(await ask('lovlace')), '')
      equal(idsIn(await ask('lovelace')), '')
    })

    it('writes nothing of what was not committed', async () => {
      await put(ROWS)
      equal(await reads.commit([changed(0, [good('a', null, 'Candle')], [])]), false)
      const bad = { ...good('z', null, 'Candle'), price_minor: 'x' }
      await rejects(reads.commit([changed(1, [good('a', null, 'Candle'), bad], ['b'])]), {
        name: 'RowsRefused',
      })
      equal(idsIn(await ask('candle')), '')
      equal(idsIn(await ask('red lantern')), 'ab')
    })

    it('is built beside, swapped and dropped with its table', async () => {
      await put(ROWS)
      const name = 'goods__rebuild'
      const table = { ...goods, name }
      for (let round = 1; round <= 2; round++) {
        await reads.define([{ name, version: 1 + round, table }])
        const rows = [good('k', `K${round}`, 'Lantern anew')]
        equal(
          await reads.commit([{ ...changed(0, rows, []), projection: name, table, to: 9 }]),
          true,
        )
        equal(await reads.swap('goods', name), true)
        equal(idsIn(await ask('lantern')), 'k')
        equal(idsIn(await ask('lantren')), 'k')
        equal(idsIn(await ask('metal')), '')
      }
      await put([good('l', 'L', 'Metal lantern')])
      equal(idsIn(await ask('lantern')), 'kl')
      await reads.drop('goods')
      await rejects(ask('lantern'), { name: 'TableUnready' })
      await reads.define([{ name: 'goods', version: 1, table: goods }])
      equal(idsIn(await ask('lantern')), '')
      await put([good('m', 'M', 'lamp')])
      equal(idsIn(await ask('lanp')), 'm')
    })

    it('is part of the table: with another search it is built anew', async () => {
      const { search, ...without } = goods
      const other = { ...goods, search: { name: 'name' as const } }
      for (const table of [without, other]) {
        deepEqual(await reads.define([{ name: 'goods', version: 1, table }]), ['goods'])
        await rejects(reads.find(table, { limit: 1 }), { name: 'TableUnready' })
        equal(await reads.commit([{ ...changed(0, [], []), table }]), false)
      }
    })

    it('comes and goes with a swap, where the table before it had none', async () => {
      const { search, ...plain } = { ...goods, name: 'plain' }
      const searched = { ...goods, name: 'plain' }
      await reads.define([{ name: 'plain', version: 1, table: plain }])
      const versions = [searched, plain, searched]
      for (const [at, table] of versions.entries()) {
        const name = `plain__rebuild`
        const shadow = { ...table, name }
        deepEqual(await reads.define([{ name: 'plain', version: 2 + at, table }]), ['plain'])
        await reads.define([{ name, version: 2 + at, table: shadow }])
        const rows = [good('a', 'A', `Lantern ${'abc'[at]}`)]
        const beside = { ...changed(0, rows, []), projection: name, table: shadow, to: 9 + at }
        equal(await reads.commit([beside]), true)
        equal(await reads.swap('plain', name), true)
        deepEqual((await reads.find(table, { limit: 9 })).items, rows)
      }
      const asked = { limit: 9, search: { text: 'lantern c' } }
      equal(idsIn(await reads.find(searched, asked)), 'a')
    })

    it('shows in a frozen view what it showed then', async () => {
      await put(ROWS)
      const view = await reads.frozen()
      await put([good('a', null, 'Candle')], ['b'])
      const query = { limit: 9, sort: SORT, search: { text: 'red lantern' } }
      equal(idsIn(await view.find(goods, query)), 'ab')
      await view.close()
    })

    it('finds at random what a plain scan finds', async (t) => {
      const seed = seedOfRun()
      t.diagnostic(`SEED=${seed}`)
      const random = seeded(seed)
      const rows = new Map<string, Row>()
      for (let round = 0; round < 12; round++) {
        const upserts = Array.from({ length: random.int(1, 25) }, () => anyGood(random))
        const deletes = [...rows.keys()].filter(() => random.chance(0.15))
        for (const id of deletes) rows.delete(id)
        for (const row of upserts) rows.set(String(row.id), row)
        await put(upserts, deletes)
        for (let i = 0; i < 25; i++) {
          const text = anyText(random, 3)
          const where = random.pick<Specification>([
            ...[{}, { in_stock: true }, { shelf: 's1' }],
            { or: [{ in_stock: true }, { shelf: 's1' }] },
          ])
          const expected = scan([...rows.values()], text, where)
          const said = JSON.stringify({ text, where })
          const found = await ask(text, { where, limit: 1_000 })
          deepEqual(
            found.items.map(({ id }) => id),
            expected.map(({ id }) => id),
            said,
          )
          const page = await ask(text, { where, limit: 3 })
          deepEqual(page.items, expected.slice(0, 3), said)
          equal(page.total, expected.length, said)
        }
      }
    })
  })
}

const changed = (from: number, upserts: readonly Row[], deletes: readonly string[]): Commit => ({
  ...{ projection: 'goods', table: goods, from, to: from + 1 },
  ...{ upserts, deletes, park: [], unpark: [] },
})

/** What a search means, told without an index. */
function scan(rows: readonly Row[], text: string, where: Specification): readonly Row[] {
  const documents = rows.map((row) => searchDocument(goods, row))
  const known = [...new Set(documents.flatMap(meantWords))]
  const written = searchFor(text)
  if (written === null) return []
  const isThere = documents.some((document) => rankIn(document, written) !== null)
  const forgiven = () =>
    searchNear(text, new Map(doubtfulWords(text).map(({ word }) => [word, known])))
  const search = isThere ? written : forgiven()
  if (search === null) return []
  const isMeant = matches(goods, where)
  return rows
    .map((row, at) => ({ row, rank: rankIn(documents[at]!, search) }))
    .filter(({ row, rank }) => rank !== null && isMeant(row))
    .sort(
      (a, b) =>
        a.rank! - b.rank! ||
        Number(b.row.in_stock) - Number(a.row.in_stock) ||
        (String(a.row.id) < String(b.row.id) ? -1 : 1),
    )
    .map(({ row }) => row)
}

// ── made up: few words that are near each other ───────────────────────────────────────────────

const WORDS = [
  ...['lamp', 'lamps', 'lump', 'clamp', 'lantern', 'lanterns', 'red', 'reed', 'read', 'Ärmel'],
  ...['armel', 'ÄRMELLOS', 'hangar', 'hanger', 'a', 'ab', '42', '420', 'l4mp', 'straße', 'strasse'],
  ...['灯籠', 'фонарь', 'handmade', 'hand-made', 'x\u0301y', "o'clock", 'b&b', '*', '"', ':', '\\'],
]

function anyWord(random: Random): string {
  const word = random.pick(WORDS)
  if (random.chance(0.6)) return word
  const letters = [...word]
  const at = random.int(0, letters.length - 1)
  if (random.chance(0.3)) return letters.slice(0, at + 1).join('')
  for (let mistakes = random.int(1, 2); mistakes > 0; mistakes--)
    letters.splice(random.int(0, letters.length), random.int(0, 1), random.pick(['a', 'm', 'r']))
  return letters.join('')
}
const anyText = (random: Random, most: number): string =>
  Array.from({ length: random.int(0, most) }, () => anyWord(random)).join(
    random.pick([' ', '-', ', ']),
  )

const anyGood = (random: Random): Row => {
  const id = `g${random.int(0, 40)}`
  const code = random.chance(0.2) ? null : `${anyText(random, 2)}${random.int(0, 3)}`
  const description = random.chance(0.3) ? null : anyText(random, 5)
  const more = { description, shelf: `s${random.int(0, 2)}`, in_stock: random.chance(0.5) }
  return good(id, code, anyText(random, 4), more)
}
