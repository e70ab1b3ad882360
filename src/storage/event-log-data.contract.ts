// What goes in comes out, or is refused by every engine alike; nothing comes back a little
// different.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { it } from 'node:test'
import { append, noted } from '#testing/sample-appends.ts'
import type { Now } from './event-log.contract.ts'
import { EVENT_BYTES_MAX } from './event-log.ts'

/** JSON of `{"text":""}`. */
const FRAME = 11

export function dataPromises(log: Now): void {
  it('gives an event back with every field it was written with', async () => {
    const metadata = {
      correlation_id: 'co',
      causation_id: 'ca',
      command_id: 'cm',
      user_id: 'u',
      store_id: 's',
      device_id: 'd',
      source: 'import',
    }
    const event = noted(
      { text: 'x' },
      { event_version: 3, metadata, occurred_at: '2010-12-01T08:26:00.000Z' },
    )
    const verdict = await log().append(append('stock_item-S1-P-1', 'none', [event]))
    deepEqual(await log().readAll(0, 10), [
      {
        position: 1,
        event_id: event.event_id,
        aggregate_type: 'stock_item',
        aggregate_id: 'S1-P-1',
        version: 1,
        event_type: 'Noted',
        event_version: 3,
        data: { text: 'x' },
        metadata,
        occurred_at: '2010-12-01T08:26:00.000Z',
        timestamp: verdict.ok && verdict.timestamp,
      },
    ])
  })

  it('takes the time of recording for what tells no other', async () => {
    const verdict = await log().append(append('note-1'))
    const [event] = await log().readAll(0, 1)
    equal(event!.occurred_at, verdict.ok && verdict.timestamp)
    equal(event!.timestamp, new Date(event!.timestamp).toISOString())
  })

  const kept: [string, unknown][] = [
    ['nothing in it', {}],
    ['empty text and lists', { text: '', list: [], object: {} }],
    ['null, false, zero', { a: null, b: false, c: 0 }],
    ['every script and sign', { 'ключ 🔑': 'ünïcode 🛒 עברית 漢字 \u{ffff}\u{10ffff} \u2028' }],
    ['control characters but NUL', { text: '\u0001\t\n\r\u001f\u007f' }],
    ['text that looks like an escape', { text: '\\u0000 \\ud800 \\\\u0000', '\\u0000': 1 }],
    ['text that looks like SQL', { text: `'); DROP TABLE events; --` }],
    [
      'the largest safe integers',
      { most: Number.MAX_SAFE_INTEGER, least: Number.MIN_SAFE_INTEGER },
    ],
    ['fractions', { a: 0.1, b: 0.30000000000000004, c: 1e-7, d: -1.5, e: 5e-324 }],
    ['digits in text', { card: '12345678901234567890', exponent: '1e+30', nothing: 'null NaN' }],
    ['names of object’s own members', JSON.parse('{"__proto__":1,"constructor":2,"toString":3}')],
    ['deep nesting', JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`)],
    ['no object at all', 'text'],
  ]
  for (const [what, data] of kept)
    it(`gives back ${what}`, async () => {
      await log().append(append('note-1', 'any', [noted(data)]))
      const [event] = await log().readStream('note-1')
      equal(JSON.stringify(event!.data), JSON.stringify(data))
    })

  it('refuses an id that is no UUID and a time in any other form', async () => {
    const times = ['2010-12-01T08:26:00Z', '2010-12-01', '0000-12-01T08:26:00.000Z', 'never', '']
    const wrong = [
      ...times.map((occurred_at) => ({ occurred_at })),
      ...['e-1', '', '0193A0F0-0000-7000-8000-00000000000A'].map((event_id) => ({ event_id })),
    ]
    for (const more of wrong)
      await rejects(
        log().append(append('note-1', 'any', [noted({}, more)])),
        { name: 'InvalidAppend' },
        JSON.stringify(more),
      )
    deepEqual(await log().readAll(0, 1), [])
  })

  const refused: [string, unknown][] = [
    ['NUL', { text: 'a\u0000b' }],
    ['NUL in a name', { 'a\u0000': 1 }],
    ['NUL after a backslash', { text: '\\\u0000' }],
    ['a lone high surrogate', { text: 'a\ud83d' }],
    ['a lone low surrogate', { list: [{ text: '\udf00b' }] }],
    ['surrogates in the wrong order', { text: '\udf00\ud83d' }],
    ['an integer beyond 2^53 - 1', { minor: 2 ** 53 }],
    ['an integer beyond -(2^53 - 1)', { a: [{ b: -(2 ** 53) }] }],
    ['an integer far beyond', { minor: 1e300 }],
    ['NaN', { minor: Number.NaN }],
    ['infinity', { list: [1, Number.POSITIVE_INFINITY] }],
    ['what is no JSON', undefined],
  ]
  for (const [what, value] of refused)
    it(`refuses ${what}, as data and as metadata`, async () => {
      await rejects(log().append(append('note-1', 'any', [noted(), { ...noted(), data: value }])), {
        name: 'InvalidAppend',
      })
      // Metadata comes from outside as well (device, user); its type does not keep all of this
      // away.
      const metadata = { source: value } as never
      const event = noted({}, { metadata: value === undefined ? (undefined as never) : metadata })
      await rejects(log().append(append('note-1', 'any', [event])), { name: 'InvalidAppend' })
      equal((await log().head()).position, 0)
    })

  it('refuses bad text in a claim', async () => {
    for (const value of ['a\u0000', '\ud800'])
      await rejects(
        log().append({ ...append('note-1'), claims: [{ scope: 'code', value, owner: 'note-1' }] }),
        { name: 'InvalidAppend' },
      )
    deepEqual(await log().claims(null, 10), [])
  })

  it('goes on after a refused append, and takes its companions of the same moment', async () => {
    const [bad, good] = await Promise.allSettled([
      log().append(append('note-1', 'any', [noted({ text: '\u0000' })])),
      log().append(append('note-2')),
    ])
    deepEqual([bad.status, good.status], ['rejected', 'fulfilled'])
    equal((await log().head()).position, 1)
  })

  it('takes data of a whole mebibyte, and not a character more', async () => {
    const text = 'x'.repeat(EVENT_BYTES_MAX - FRAME)
    await log().append(append('note-1', 'none', [noted({ text }), noted({ text })]))
    deepEqual((await log().readStream('note-1', 1))[0]!.data, { text })
    await rejects(log().append(append('note-1', 'any', [noted({ text: `${text}x` })])), {
      name: 'AppendTooLarge',
    })
  })

  it('is not changed by whoever changes what it took or gave', async () => {
    const data = { lines: [1] }
    const event = noted(data)
    const appending = log().append(append('note-1', 'none', [event]))
    data.lines.push(2)
    await appending
    const [given] = await log().readStream('note-1')
    ;(given!.data as typeof data).lines.push(3)
    deepEqual((await log().readStream('note-1'))[0]!.data, { lines: [1] })
    const state = { n: 1 }
    const saving = log().saveSnapshots([{ stream: 'note-1', version: 1, state_version: 1, state }])
    state.n = 2
    await saving
    const [loaded] = await log().load([{ stream: 'note-1', after: 0, stateVersion: 1 }])
    deepEqual(loaded!.snapshot, { version: 1, state: { n: 1 } })
  })
}
