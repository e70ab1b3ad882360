// What a list offers its reader: which filters and sorts there are, and what they ask for.
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { listOf } from './list-of.ts'
import { type Find, projection } from './projection.ts'
import type { Reader } from './query.ts'
import { check, object } from './schema.ts'

const sales = projection({
  name: 'sales',
  version: 1,
  table: {
    name: 'sales',
    key: 'id',
    columns: {
      id: 'text',
      total_minor: 'money',
      pieces: 'int',
      open: 'bool',
      weight: 'quantity',
      sold_at: { kind: 'instant', nullable: true },
      day: 'day',
      more: 'json',
    },
  },
  on: {},
})
const offered = listOf(sales, {
  filters: ['id', 'total_minor', 'pieces', 'sold_at', 'day'],
  sort: ['sold_at', 'total_minor', 'id'],
  standard: ['-sold_at'],
})
const input = object(offered.fields)
const fits = (value: object) => check(input, value).ok

describe('a list that offers filters and sorts', () => {
  test('has operators by the kind of the column, and no others', () => {
    deepEqual(
      Object.keys(offered.fields).filter((name) => name.includes('[')),
      [
        ...['id[in]', 'id[contains]'],
        ...['gt', 'gte', 'lt', 'lte'].map((side) => `total_minor[${side}]`),
        ...['gt', 'gte', 'lt', 'lte', 'in'].map((side) => `pieces[${side}]`),
        ...['gt', 'gte', 'lt', 'lte'].map((side) => `sold_at[${side}]`),
        ...['gt', 'gte', 'lt', 'lte', 'in'].map((side) => `day[${side}]`),
      ],
    )
    ok(fits({}))
    ok(fits({ 'pieces[in]': [1, 2], 'day[gte]': '2010-12-01', sort: ['-total', 'id'], limit: 1 }))
    for (const wrong of [
      { 'pieces[in]': [] },
      { 'pieces[in]': ['1'] },
      { 'pieces[in]': new Array(101).fill(1) },
      { 'pieces[contains]': '1' },
      { 'day[gte]': '2010' },
      { 'open[in]': [true] },
      { sort: [] },
      { sort: ['pieces'] },
      { sort: ['total_minor'] },
      { sort: ['--id'] },
      { sort: ['id', 'id', 'id', 'id'] },
    ])
      ok(!fits(wrong), JSON.stringify(wrong))
  })

  test('asks for all that was given, besides what holds anyway', () => {
    const page = { limit: 50, total: true }
    const sort = [{ column: 'sold_at', descending: true }]
    deepEqual(offered.find({}), { sort, ...page })
    deepEqual(offered.find({}, { where: { open: true } }), { where: { open: true }, sort, ...page })
    const both = { 'pieces[gte]': 1, 'pieces[lt]': 5, sort: ['total', '-id'], cursor: 'c' }
    deepEqual(offered.find(both, { where: { open: true } }), {
      where: { and: [{ open: true }, { pieces: { gte: 1 } }, { pieces: { lt: 5 } }] },
      sort: [
        { column: 'total_minor', descending: false },
        { column: 'id', descending: true },
      ],
      ...page,
      cursor: 'c',
    })
  })

  test('searches for a text, the best first unless its reader says in which order', () => {
    const text = 'red'
    deepEqual(offered.find({}, { search: text }).search, { text, ranked: true })
    deepEqual(offered.find({ sort: ['id'] }, { search: text }).search, { text, ranked: false })
    ok(!('search' in offered.find({}, { search: undefined })))
  })

  test('compares instants in UTC, wherever they were told', () => {
    const { where } = offered.find({ 'sold_at[gt]': '2010-12-01T01:30:00+02:00' } as object)
    deepEqual(where, { sold_at: { gt: '2010-11-30T23:30:00.000Z' } })
  })

  test('answers pages', async () => {
    const asked: Find[] = []
    const reader = {
      find: async (_: unknown, query: Find) => {
        asked.push(query)
        return { items: [{ id: 'a' }], total: 1, next_cursor: null }
      },
    } as unknown as Reader
    const page = await offered.page(reader, { limit: 3, offset: 1 }, { open: true })
    deepEqual(page, { items: [{ id: 'a' }], total: 1, limit: 3, offset: 1, next_cursor: null })
    deepEqual(asked[0]?.where, { open: true })
    equal(asked[0]?.limit, 3)
  })

  test('offers only what the table has and what has a meaning', () => {
    const one = (offer: Partial<Parameters<typeof listOf>[1]>) => () =>
      listOf(sales, { sort: ['id'], standard: ['id'], ...offer })
    throws(one({ filters: ['colour'] }), /no column colour/)
    throws(one({ sort: ['colour'] }), /no column colour/)
    throws(one({ standard: ['pieces'] }), /does not offer to sort by pieces/)
    for (const column of ['open', 'weight', 'more'])
      throws(one({ filters: [column] }), /no filter to offer/)
  })
})
