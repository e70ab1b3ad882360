// What a decision knows of its moment: ids that stay, blinded values, rows that it looks at.
import { deepEqual, equal, match, notEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { accept, type Command, command, type Moment } from '#kernel/decider.ts'
import { projection } from '#kernel/projection.ts'
import { object } from '#kernel/schema.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { momentOf } from './moment.ts'
import { BLINDING_SUBJECT, isBlind, personalData } from './personal.ts'

const things = projection<{ id: string }>({
  name: 'things',
  version: 1,
  table: { name: 'things', key: 'id', columns: { id: 'text' } },
  on: {},
})
const plain = command({
  type: 'DoIt',
  input: object({}),
  reads: () => [],
  decide: () => accept([], {}),
  answer: object({}),
})
const looking: Command = {
  ...plain,
  looks: () => [
    { projection: things, find: { limit: 1 } },
    { projection: things, find: { limit: 2 } },
  ],
}
const keys = await openKeyRing()
const tools = (ring = keys) => ({
  now: () => '2026-03-02T10:00:00.000Z',
  numbers: { next: async () => 7 },
  settings: {},
  personal: personalData({}, ring),
})
const at = (command: Command, more: object = {}): Promise<Moment> =>
  momentOf({ command, input: {}, id: 'c1', meta: {} }, { ...tools(), ...more })

test('ids are the same at every try, and another for each name and number', async () => {
  const moment = await at(plain)
  equal(moment.id('line', 1), moment.id('line', 1))
  notEqual(moment.id('line', 1), moment.id('line', 2))
  notEqual(moment.id('line', 1), moment.id('order', 1))
})

test('a value is blinded alike in every process, unlike in another scope, and not readable', async () => {
  await rejects(async () => (await at(plain)).blind('email', 'ann'), /DoIt blinds something/)
  const one = await at({ ...plain, blinds: true })
  const other = await at({ ...plain, blinds: true }, tools())
  const blind = one.blind('email', 'ann@example.com')
  equal(other.blind('email', 'ann@example.com'), blind)
  notEqual(one.blind('phone', 'ann@example.com'), blind)
  match(blind, /^blind:[\w-]{43}$/)
  equal(isBlind(blind), true)
  const elsewhere = await at({ ...plain, blinds: true }, tools(await openKeyRing()))
  notEqual(elsewhere.blind('email', 'ann@example.com'), blind)
})

test('nobody makes another key in the place of the one that blinds', async () => {
  const ring = await openKeyRing()
  await ring.destroy(BLINDING_SUBJECT)
  await rejects(at({ ...plain, blinds: true }, tools(ring)), /the key that blinds was destroyed/)
})

test('rows are looked for in the order of asking, where this process has tables', async () => {
  const found: unknown[] = []
  const reads = {
    find: async (_: unknown, find: { limit: number }) => {
      found.push(find)
      const items = Array.from({ length: find.limit }, (_, i) => ({ id: `${i}` }))
      return { items, total: null, next_cursor: null }
    },
  }
  const { looked } = await at(looking, { reads })
  deepEqual(
    looked.map((rows) => rows.length),
    [1, 2],
  )
  deepEqual((await at(plain, { reads })).looked, [])
  equal(found.length, 2)
  await rejects(at(looking), { name: 'Unavailable', message: /role query/ })
})
