// What conditions mean, by one list of examples for rows in memory and for every engine: nulls,
// bytes, instants, documents, joints; then joints at random beside a plain scan.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type {
  Condition,
  Filter,
  Find,
  Row,
  Specification,
  Table,
  Value,
} from '#kernel/projection.ts'
import { and, matches, not, or, specificationTrouble } from '#kernel/specification.ts'
import { seedOfRun } from '#testing/random.ts'
import type { Opened } from './opened.ts'
import type { ReadModels } from './read-models.ts'

const items: Table = {
  name: 'items',
  key: 'id',
  columns: {
    id: 'text',
    name: { kind: 'text', nullable: true },
    price_minor: 'money',
    stock: { kind: 'quantity', nullable: true },
    open: 'bool',
    paid: { kind: 'bool', nullable: true },
    sold_at: { kind: 'instant', nullable: true },
    day: 'day',
    until: { kind: 'day', nullable: true },
    tags: { kind: 'json', nullable: true },
  },
  indexes: [['name'], ['day', 'price_minor']],
}
const item = (id: string, more: Row = {}): Row => ({
  id,
  name: null,
  price_minor: 100,
  stock: null,
  open: true,
  paid: null,
  sold_at: null,
  day: '2010-12-01',
  until: null,
  tags: null,
  ...more,
})

const ROWS = [
  item('a', { name: 'Äpfel', price_minor: 5, paid: true, tags: ['red'], until: '2011-01-01' }),
  item('b', { name: 'apple', price_minor: -5, open: false, stock: 0, paid: false }),
  item('c', { name: 'APPLE pie', price_minor: 50, sold_at: '2010-12-01T08:26:00.000Z' }),
  item('d', { name: '100%_\\', price_minor: 7, stock: 3, tags: { a: null } }),
  item('e', { name: '', price_minor: 7, day: '2011-01-09' }),
  item('f', { price_minor: 0, day: '2011-02-01' }),
]
/** Rows at the ends of what there is; only some conditions are asked of them. */
const ODD_ROWS = [
  item('g', { name: '～', price_minor: Number.MAX_SAFE_INTEGER, stock: Number.MIN_SAFE_INTEGER }),
  item('h', { name: '😀\ufffd', price_minor: Number.MAX_SAFE_INTEGER - 1, tags: 'a "b"' }),
  item('i', { name: 'é', day: '0001-01-01', sold_at: '9999-12-31T23:59:59.999Z' }),
  item('j', { name: 'e\u0301', day: '9999-12-31', sold_at: '0001-01-01T00:00:00.000Z' }),
]

/** What is asked, how, and which of the first rows it finds. */
const VECTORS: readonly [string, Specification, string][] = [
  ['nothing', {}, 'abcdef'],
  ['a value', { price_minor: 7 }, 'de'],
  ['a flag', { open: false }, 'b'],
  ['null', { name: null }, 'f'],
  ['eq', { name: { eq: 'apple' } }, 'b'],
  ['eq null', { stock: { eq: null } }, 'acef'],
  ['an empty text, which is not null', { name: '' }, 'e'],
  ['not, with rows that have none', { stock: { not: 3 } }, 'abcef'],
  ['not null', { stock: { not: null } }, 'bd'],
  ['not, of a flag', { open: { not: true } }, 'b'],
  ['gt', { price_minor: { gt: 5 } }, 'cde'],
  ['gte and lt', { price_minor: { gte: 5, lt: 50 } }, 'ade'],
  ['lte, without rows that have none', { stock: { lte: 3 } }, 'bd'],
  ['text bytewise: capitals first', { name: { lt: 'a' } }, 'cde'],
  ['text bytewise: umlauts last', { name: { gt: 'z' } }, 'a'],
  ['in', { id: { in: ['a', 'f', 'a', 'no'] } }, 'af'],
  ['in, with null among them', { stock: { in: [3, null] } }, 'acdef'],
  ['in nothing', { id: { in: [] } }, ''],
  ['in, of flags', { open: { in: [false] } }, 'b'],
  ['contains, ASCII letters of either case', { name: { contains: 'PPL' } }, 'bc'],
  ['contains, other letters as they are', { name: { contains: 'äp' } }, ''],
  ['contains a percent sign', { name: { contains: '%' } }, 'd'],
  ['contains an underscore', { name: { contains: '_' } }, 'd'],
  ['contains a backslash', { name: { contains: '\\' } }, 'd'],
  ['contains the empty text, which null does not', { name: { contains: '' } }, 'abcde'],
  ['contains, in a document', { tags: { contains: 'RED' } }, 'a'],
  ['starts, bytewise', { name: { starts: 'app' } }, 'b'],
  ['starts with an umlaut', { name: { starts: 'Ä' } }, 'a'],
  ['starts with a percent sign', { name: { starts: '%' } }, ''],
  ['starts with nothing', { name: { starts: '' } }, 'abcde'],
  ['starts, of a day', { day: { starts: '2011-' } }, 'ef'],
  ['after an instant, without it', { sold_at: { gt: '2010-12-01T08:26:00.000Z' } }, ''],
  ['up to an instant, with it', { sold_at: { lte: '2010-12-01T08:26:00.000Z' } }, 'c'],
  ['from the beginning of an instant on', { sold_at: { gt: '2010-12-01T08' } }, 'c'],
  ['an instant told otherwise', { sold_at: '2010-12-01T08:26:00Z' }, ''],
  ['a part of an instant', { sold_at: { contains: 't08:26' } }, 'c'],
  ['after a day, without it', { day: { gt: '2010-12-01' } }, 'ef'],
  ['up to a day, with it', { day: { lte: '2010-12-01' } }, 'abcd'],
  ['before a year', { day: { lt: '2011' } }, 'abcd'],
  ['several columns', { price_minor: 7, day: '2010-12-01' }, 'd'],
  ['an absent condition', { price_minor: 7, day: undefined }, 'de'],
  ['an absent side of a span', { price_minor: { gte: undefined, lte: 5 } }, 'abf'],
  ['no side of a span', { price_minor: { gte: undefined }, id: { in: undefined } }, 'abcdef'],
  ['a document that is there', { tags: { not: null } }, 'ad'],
  ['and of nothing, which holds', and(), 'abcdef'],
  ['or of nothing, which does not', or(), ''],
  ['and', and({ price_minor: 7 }, { stock: { not: null } }), 'd'],
  ['or', or({ price_minor: 7 }, { open: false }), 'bde'],
  ['or, beside what holds anyway', and({ open: true }, or({ name: 'apple' }, { name: null })), 'f'],
  ['one column twice', and({ price_minor: { gt: 0 } }, { price_minor: { lt: 7 } }), 'a'],
  ['not', not({ price_minor: 7 }), 'abcf'],
  ['not, of all columns of a filter together', not({ price_minor: 7, stock: 3 }), 'abcef'],
  ['not of nothing', not({}), ''],
  ['not of not', not(not({ stock: { lte: 3 } })), 'bd'],
  ['not of a comparison, with rows that have no value', not({ stock: { lt: 3 } }), 'acdef'],
  ['not of a value, with rows that have none', not({ stock: 3 }), 'abcef'],
  ['not of a value that is another', not({ stock: { not: 3 } }), 'd'],
  ['not null, said otherwise', not({ stock: null }), 'bd'],
  ['not of in', not({ stock: { in: [3] } }), 'abcef'],
  ['not of in with null', not({ stock: { in: [3, null] } }), 'b'],
  ['not of in nothing', not({ stock: { in: [] } }), 'abcdef'],
  ['not of a flag that may be unknown', not({ paid: true }), 'bcdef'],
  ['not of contains, where there is no text', not({ name: { contains: 'a' } }), 'adef'],
  ['not of starts, where there is no text', not({ name: { starts: '' } }), 'f'],
  ['not of what no day can be', not({ until: '2011' }), 'abcdef'],
  ['not of after a day, where there is none', not({ until: { gt: '2010' } }), 'bcdef'],
  ['not before the end of time, where there is none', not({ until: { lte: '~' } }), 'bcdef'],
  ['not of a NUL', not({ name: 'a\0' }), 'abcdef'],
  ['not of contains a NUL', not({ name: { contains: '\0' } }), 'abcdef'],
  ['neither', not(or({ open: false }, { price_minor: { gt: 5 } })), 'af'],
  ['not both', not(and({ price_minor: 7 }, { stock: { gte: 3 } })), 'abcef'],
  [
    'a joint in a joint',
    or(and({ id: 'a' }, not({ id: 'b' })), not(or({ id: { lt: 'f' } }))),
    'af',
  ],
]
/** The same of the other rows. */
const ODD_VECTORS: readonly [string, Specification, string][] = [
  ['the largest integer', { price_minor: Number.MAX_SAFE_INTEGER }, 'g'],
  ['below the largest integer', { price_minor: { lt: Number.MAX_SAFE_INTEGER } }, 'hij'],
  ['in, of the largest', { price_minor: { in: [Number.MAX_SAFE_INTEGER - 1] } }, 'h'],
  ['the smallest integer', { stock: { lte: Number.MIN_SAFE_INTEGER } }, 'g'],
  ['bytes, not UTF-16 units: beyond the plane', { name: { gt: '～' } }, 'h'],
  ['bytes, not UTF-16 units: within it', { name: { lt: '😀' } }, 'gij'],
  ['one spelling of a letter, not the other', { name: 'é' }, 'i'],
  ['contains one spelling, not the other', { name: { contains: 'e\u0301' } }, 'j'],
  ['half a character, which is stored as a mark', { name: { contains: '\ud800' } }, 'h'],
  ['half a character before a whole one', { name: { starts: '\ud83d' } }, ''],
  ['a document that is a text, with its quotes', { tags: { contains: '"a \\"b\\""' } }, 'h'],
  ['the first day', { day: { lte: '0001-01-01' } }, 'i'],
  ['the last day', { day: { gte: '9999-12-31' } }, 'j'],
  ['the last instant', { sold_at: { gte: '9999-12-31T23:59:59.999Z' } }, 'i'],
  ['behind the last instant', { sold_at: { gt: '9999-12-31T23:59:59.999Z' } }, ''],
  ['the first instant', { sold_at: { lt: '0001-01-01T00:00:00.001Z' } }, 'j'],
]

export function readModelsSpecificationsContract(
  name: string,
  open: () => Promise<Opened<ReadModels>>,
): void {
  describe(`ReadModels, conditions: ${name}`, () => {
    let opened: Opened<ReadModels>
    let reads: ReadModels
    before(async () => {
      opened = await open()
      reads = opened.port
      await reads.define([{ name: 'items', version: 1, table: items }])
      const rows = { upserts: [...ROWS, ...ODD_ROWS], deletes: [], park: [], unpark: [] }
      equal(
        await reads.commit([{ projection: 'items', table: items, from: 0, to: 1, ...rows }]),
        true,
      )
    })
    after(async () => {
      await reads.close()
      await opened.remove()
    })
    /** Ids of the rows meant, in order. */
    const idsOf = async (where: Specification, among = ROWS) => {
      const ids = among.map(({ id }) => id!)
      const asked = and({ id: { in: ids } }, where)
      const { items: found, total } = await reads.find(items, {
        where: asked,
        limit: 99,
        total: true,
      })
      equal(total, found.length)
      return found.map(({ id }) => id).join('')
    }

    for (const [rows, vectors] of [
      [ROWS, VECTORS],
      [ODD_ROWS, ODD_VECTORS],
    ] as const)
      for (const [what, specification, expected] of vectors)
        it(`finds by ${what}`, async () => {
          equal(specificationTrouble(items, specification), null)
          equal(await idsOf(specification, rows), expected)
          const inMemory = rows.filter(matches(items, specification)).map(({ id }) => id)
          equal(inMemory.join(''), expected, 'and in memory')
        })

    it('counts and sums by the same conditions', async () => {
      const where = not({ stock: { lt: 3 }, price_minor: { lt: 1_000 } })
      const rows = [...ROWS, ...ODD_ROWS].filter(matches(items, where))
      const few = and(where, { id: { lt: 'g' } })
      const sum = ROWS.filter(matches(items, where)).reduce(
        (all, row) => all + Number(row.price_minor),
        0,
      )
      equal((await reads.find(items, { where, limit: 0, total: true })).total, rows.length)
      deepEqual(await reads.group(items, { by: [], sums: ['price_minor'], where: few }), [
        { count: 5, price_minor: sum },
      ])
    })

    it('takes hostile text for nothing but a value', async () => {
      const hostile = [
        "'; DROP TABLE items; --",
        '" OR 1=1 --',
        '{$x}',
        '\\',
        "''",
        '?',
        'a\0b',
        '\ud800',
      ]
      for (const text of hostile)
        for (const condition of [text, { in: [text] }, { contains: text }, { starts: text }])
          equal(await idsOf({ id: condition }), '', JSON.stringify(condition))
      equal((await idsOf({ id: { not: "a' OR 'a'='a" } })).length, 6)
    })

    const refused: [string, Partial<Find>][] = [
      ['an unknown column', { where: { colour: 'red' } }],
      ['a column spelled as SQL', { where: { 'id" = "id': 'x' } }],
      ['an inherited name', { where: { constructor: 'x' } }],
      ['an unknown operator', { where: { id: { like: 'x' } as Filter[string] } }],
      ['a text for a number', { where: { price_minor: '7' } }],
      ['a number for a text', { where: { name: 7 } }],
      ['a number for a flag', { where: { open: 1 } }],
      ['a fraction', { where: { price_minor: { gt: 0.5 } } }],
      ['a document as a value', { where: { tags: { eq: 'red' } } }],
      ['a prefix of a number', { where: { price_minor: { starts: '7' } } }],
      ['a list that is none', { where: { id: { in: 'a' as unknown as Value[] } } }],
      ['a sort by an unknown column', { sort: [{ column: 'colour' }] }],
      ['a sort by a document', { sort: [{ column: 'tags' }] }],
      ['a negative limit', { limit: -1 }],
      ['an offset that is no number', { offset: Number.NaN }],
    ]
    for (const [what, query] of refused)
      it(`refuses ${what} and says so`, () =>
        rejects(reads.find(items, { limit: 9, ...query }), { name: 'InvalidQuery' }))

    it('gives the keys that a look-up names, in order', async () => {
      deepEqual(await reads.keysOf(items, { price_minor: 7 }), ['d', 'e'])
      deepEqual(await reads.keysOf(items, { price_minor: 7, day: '2011-01-09' }), ['e'])
      deepEqual(await reads.keysOf(items, { name: 'no' }), [])
      await rejects(reads.keysOf(items, { colour: 'red' }), { name: 'InvalidQuery' })
    })

    const joints: [string, unknown][] = [
      ['a joint of something that is no list', { and: { id: 'a' } }],
      ['a joint of a text', or('id' as unknown as Filter)],
      ['not of a list', not([] as unknown as Filter)],
      ['two joints at once', { and: [], or: [] }],
      ['a joint beside a column', { and: [], id: 'a' }],
      ['an unknown column deep inside', not(or({ id: 'a' }, and({ colour: 'red' })))],
      ['no specification at all', null],
      ['a specification that is too deep', deep(17)],
      ['one that is too long', or(...Array.from({ length: 201 }, (_, i) => ({ id: `${i}` })))],
      ['one of very many empty parts', and(...Array.from({ length: 2_000 }, () => ({})))],
      ['a list with nothing in a place', { id: { in: ['a', undefined] } }],
      ['a list with nothing alone', not({ id: { in: [undefined] } } as unknown as Filter)],
      ['a list that is too long', { id: { in: new Array(50_001).fill('a') } }],
    ]
    for (const [what, where] of joints)
      it(`refuses ${what} and says so`, () =>
        rejects(reads.find(items, { limit: 9, where: where as Specification }), {
          name: 'InvalidQuery',
        }))

    it('takes what is just not too deep or too long', async () => {
      equal(await idsOf(deep(12)), 'abcdef')
      const many = Array.from({ length: 190 }, (_, i) => ({ id: `${i}` }))
      equal(await idsOf(or(...many, { id: 'a' })), 'a')
      equal(await idsOf(and(...Array.from({ length: 480 }, () => ({})))), 'abcdef')
      equal(await idsOf(or(...many.map((one) => not(not(one))).slice(0, 150))), '')
    })

    it('keeps names of joints from columns', async () => {
      for (const word of ['and', 'or', 'not']) {
        const odd = {
          ...items,
          name: 'odd',
          columns: { ...items.columns, [word]: 'text' as const },
        }
        await rejects(
          reads.define([{ name: 'odd', version: 1, table: odd }]),
          /not a column's name/,
        )
      }
    })

    it('means at random what it means in memory', async (t) => {
      const seed = seedOfRun()
      t.diagnostic(`SEED=${seed}`)
      const rows = [...ROWS, ...ODD_ROWS]
      await fc.assert(
        fc.asyncProperty(specifications, async (specification) => {
          const { items: found } = await reads.find(items, { where: specification, limit: 99 })
          const expected = rows.filter(matches(items, specification))
          deepEqual(
            found.map(({ id }) => id),
            expected.map(({ id }) => id),
          )
          if (expected.length < 3) return
          // A place in the order is one more condition, beside all of these.
          const first = await reads.find(items, { where: specification, limit: 2 })
          const cursor = first.next_cursor!
          const behind = await reads.find(items, { where: specification, limit: 99, cursor })
          deepEqual([...first.items, ...behind.items], found)
        }),
        { seed, numRuns: 300 },
      )
    })
  })
}

const deep = (levels: number): Specification => (levels === 1 ? {} : and(deep(levels - 1)))

// ── made up ───────────────────────────────────────────────────────────────────────────────────

const LETTERS = ['a', 'A', 'P', 'p', 'Ä', 'é', '%', '_', '\\', "'", '"', '～', '😀', '\0', '\ud800']
const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom(...LETTERS), maxLength: 3 }),
  fc.constantFrom(...['apple', 'APPLE', 'Äpfel', '100%', 'e\u0301', '\ufffd']),
)
const times = fc.constantFrom(
  ...['2010-12-01', '2010-12-01T08:26:00.000Z', '2010-12-01T08', '2011', '0001-01-01', '', '~'],
  ...['9999-12-31T23:59:59.999Z', '2010-12-01T08:26:00Z', '2011-01-09', '2011-02-30'],
)
const numbers = fc.constantFrom(0, 3, 5, 7, -5, 2 ** 53 - 1, 2 ** 53 - 2, 1 - 2 ** 53)
const VALUES: readonly [readonly string[], fc.Arbitrary<Value>][] = [
  [['id', 'name'], texts],
  [['sold_at', 'day', 'until'], times],
  [['price_minor', 'stock'], numbers],
  [['open', 'paid'], fc.boolean()],
]
const conditionsOn = (columns: readonly string[], value: fc.Arbitrary<Value>) => {
  const compared = ['eq', 'not', 'gt', 'gte', 'lt', 'lte'].map((operator) =>
    value.map((one): Condition => ({ [operator]: one })),
  )
  const known = fc.oneof(
    ...compared,
    fc.constantFrom<Condition[]>({ eq: null }, { not: null }, { in: [] }),
    fc.array(fc.option(value), { maxLength: 3 }).map((list): Condition => ({ in: list })),
    value,
  )
  const searched = fc
    .record({ operator: fc.constantFrom('contains', 'starts'), text: fc.oneof(texts, times) })
    .map(({ operator, text }): Condition => ({ [operator]: text }))
  const isText = columns.includes('name') || columns.includes('day')
  return fc
    .record({
      column: fc.constantFrom(...columns),
      condition: isText ? fc.oneof(known, searched) : known,
    })
    .map(({ column, condition }): Filter => ({ [column]: condition }))
}
const documents = fc
  .constantFrom<Condition[]>({ eq: null }, { not: null }, { contains: 'RED' }, { contains: '"' })
  .map((tags): Filter => ({ tags }))
const filters = fc.oneof(
  ...VALUES.map(([columns, value]) => conditionsOn(columns, value)),
  documents,
)
const { specifications } = fc.letrec<{ specifications: Specification }>((tie) => ({
  specifications: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    filters,
    fc.array(tie('specifications'), { maxLength: 3 }).map((parts) => and(...parts)),
    fc.array(tie('specifications'), { maxLength: 3 }).map((parts) => or(...parts)),
    tie('specifications').map(not),
  ),
}))
