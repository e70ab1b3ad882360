// What reading must hold: order, pages, prefixes, times, snapshots.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { it } from 'node:test'
import { v7 } from 'uuid'
import { append, write } from '#testing/sample-appends.ts'
import type { Now } from './event-log.contract.ts'
import type { Loaded } from './event-log.ts'

export function readPromises(log: Now): void {
  it('pages through the whole log with neither gap nor repeat', async () => {
    for (let i = 0; i < 10; i++)
      await log().append({ writes: [write(`note-${i % 3}`, 'any', 2), write('all-1', 'any', 1)] })
    for (const size of [1, 7, 30, 100]) {
      const positions: number[] = []
      for (let page = await log().readAll(0, size); page.length > 0; ) {
        ok(page.length <= size)
        positions.push(...page.map(({ position }) => position))
        page = await log().readAll(positions.at(-1)!, size)
      }
      deepEqual(
        positions,
        Array.from({ length: 30 }, (_, i) => i + 1),
      )
    }
    deepEqual(await log().readAll(30, 10), [])
    deepEqual(await log().readAll(99, 10), [])
  })

  it('reads one stream from a version on, as many as asked for', async () => {
    await log().append({ writes: [write('note-1', 'none', 5), write('note-11', 'none', 5)] })
    const versions = async (...more: number[]) =>
      (await log().readStream('note-1', ...more)).map(({ version, aggregate_id }) =>
        [aggregate_id, version].join('/'),
      )
    deepEqual(await versions(), ['1/1', '1/2', '1/3', '1/4', '1/5'])
    deepEqual(await versions(3), ['1/4', '1/5'])
    deepEqual(await versions(1, 2), ['1/2', '1/3'])
    deepEqual(await versions(5), [])
    deepEqual(await versions(9), [])
    deepEqual(await log().readStream('note-2'), [])
  })

  it('reads all streams of a prefix in the order of the log, and the prefix is no pattern', async () => {
    const streams = [
      'stock_item-S1:a',
      'stockxitem-S1:a',
      'stock_item-S1:b',
      'stock_item-S10:a',
      'stock_item-s1:a',
      'stock_item-S1',
    ]
    for (const round of [1, 2])
      for (const stream of streams) await log().append(append(stream, 'any', round))
    const read = async (prefix: string, limit = 100) =>
      (await log().readStreams(prefix, limit)).map(
        (event) => `${event.aggregate_type}-${event.aggregate_id}`,
      )
    const once = ['stock_item-S1:a', 'stock_item-S1:b']
    deepEqual(await read('stock_item-S1:'), [...once, once[0], once[0], once[1], once[1]])
    deepEqual(await read('stock_item-S1:', 3), [...once, once[0]])
    equal((await read('stock_item-S1')).length, 12)
    equal((await read('stock_item-')).length, 15)
    deepEqual(await read('stock%'), [])
    deepEqual(await read('nothing-'), [])
    const positions = (await log().readStreams('stock_item-', 100)).map(({ position }) => position)
    deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
    )
  })

  it('never gives an event a time before its predecessor’s, whatever the clock says', async () => {
    await log().append(append('note-1'))
    const [event] = await log().readAll(0, 1)
    const future = {
      ...event!,
      position: 2,
      version: 2,
      timestamp: '2999-01-01T00:00:00.000Z',
      event_id: v7(),
    }
    await log().restore([future], [])
    const verdict = await log().append(append('note-1'))
    equal(verdict.ok && verdict.timestamp, '2999-01-01T00:00:00.000Z')
    equal((await log().head()).timestamp, '2999-01-01T00:00:00.000Z')
  })

  it('finds the last position that was recorded at or before a time', async () => {
    equal(await log().positionAt('2999-01-01T00:00:00.000Z'), 0)
    await log().append(append('note-1'))
    const [event] = await log().readAll(0, 1)
    const times = [
      '2990-01-01',
      '2990-01-02',
      '2990-01-02',
      '2990-01-02',
      '2990-01-05',
      '2990-01-06',
      '2990-01-06',
    ]
    const events = times.map((day, i) => ({
      ...event!,
      event_id: v7(),
      position: i + 2,
      version: i + 2,
      timestamp: `${day}T00:00:00.000Z`,
    }))
    await log().restore(events, [])
    const at = (time: string) => log().positionAt(time)
    equal(await at('1970-01-01T00:00:00.000Z'), 0)
    equal(await at('2989-12-31T23:59:59.999Z'), 1)
    equal(await at('2990-01-01T00:00:00.000Z'), 2)
    equal(await at('2990-01-01T23:59:59.999Z'), 2)
    equal(await at('2990-01-02T00:00:00.000Z'), 5)
    equal(await at('2990-01-05T12:00:00.000Z'), 6)
    equal(await at('2990-01-06T00:00:00.000Z'), 8)
    equal(await at('2999-01-01T00:00:00.000Z'), 8)
  })

  it('loads many streams at once, in the order asked, from where each is known', async () => {
    await log().append({ writes: [write('note-1', 'none', 3), write('note-2', 'none', 2)] })
    const loaded = await log().load([
      { stream: 'note-2', after: 0 },
      { stream: 'nowhere-1', after: 0, stateVersion: 1 },
      { stream: 'note-1', after: 2 },
      { stream: 'note-1', after: 3, stateVersion: 1 },
      { stream: 'note-1', after: 0 },
    ])
    deepEqual(loaded.map(summary), [
      [null, [1, 2]],
      [null, []],
      [null, [3]],
      [null, []],
      [null, [1, 2, 3]],
    ])
    deepEqual(await log().load([]), [])
  })

  it('loads from a snapshot of the asked shape, and the events after it', async () => {
    await log().append(append('note-1', 'none', 5))
    await log().saveSnapshots([{ stream: 'note-1', version: 3, state_version: 2, state: { n: 3 } }])
    const load = async (stateVersion?: number) =>
      summary(
        (
          await log().load([
            { stream: 'note-1', after: 0, ...(stateVersion === undefined ? {} : { stateVersion }) },
          ])
        )[0]!,
      )
    deepEqual(await load(2), [{ version: 3, state: { n: 3 } }, [4, 5]])
    deepEqual(await load(1), [null, [1, 2, 3, 4, 5]])
    deepEqual(await load(3), [null, [1, 2, 3, 4, 5]])
    deepEqual(await load(), [null, [1, 2, 3, 4, 5]])
    const [known] = await log().load([{ stream: 'note-1', after: 4, stateVersion: 2 }])
    deepEqual(summary(known!), [null, [5]])
  })

  it('keeps the newest snapshot, whatever order they come in', async () => {
    await log().append(append('note-1', 'none', 5))
    for (const version of [2, 4, 3])
      await log().saveSnapshots([{ stream: 'note-1', version, state_version: 1, state: version }])
    const [loaded] = await log().load([{ stream: 'note-1', after: 0, stateVersion: 1 }])
    deepEqual(summary(loaded!), [{ version: 4, state: 4 }, [5]])
    await log().saveSnapshots([
      { stream: 'note-1', version: 3, state_version: 2, state: 'new shape' },
    ])
    const [reshaped] = await log().load([{ stream: 'note-1', after: 0, stateVersion: 2 }])
    deepEqual(summary(reshaped!), [{ version: 3, state: 'new shape' }, [4, 5]])
  })

  it('trusts no snapshot that is ahead of the log', async () => {
    await log().append(append('note-1', 'none', 2))
    await log().saveSnapshots([
      { stream: 'note-1', version: 3, state_version: 1, state: 'ahead' },
      { stream: 'ghost-1', version: 1, state_version: 1, state: 'of nothing' },
    ])
    const loaded = await log().load([
      { stream: 'note-1', after: 0, stateVersion: 1 },
      { stream: 'ghost-1', after: 0, stateVersion: 1 },
    ])
    deepEqual(loaded.map(summary), [
      [null, [1, 2]],
      [null, []],
    ])
  })

  it('gives snapshots as they are kept, by stream', async () => {
    deepEqual(await log().snapshots('', 10), [])
    const kept = ['note-1', 'note-10', 'note-2'].map((stream, i) => ({
      stream,
      version: i + 1,
      state_version: 3,
      state: { text: 'ünïcode 🛒', i },
    }))
    await log().saveSnapshots(kept.toReversed())
    deepEqual(await log().snapshots('', 2), kept.slice(0, 2))
    deepEqual(await log().snapshots('note-10', 10), kept.slice(2))
    deepEqual(await log().snapshots('note-2', 10), [])
  })

  it('refuses a snapshot that no engine stores', async () => {
    const snapshot = { stream: 'note-1', version: 1, state_version: 1, state: { text: '\u0000' } }
    await rejects(log().saveSnapshots([snapshot]), { name: 'InvalidAppend' })
  })
}

const summary = ({ snapshot, events }: Loaded) => [snapshot, events.map(({ version }) => version)]
