// What appending must hold: expectations really enforced, all or nothing, claims, order.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { it } from 'node:test'
import { append, asCommand, noted, notes, write } from '#testing/sample-appends.ts'
import type { Now } from './event-log.contract.ts'
import type { Append, Expected, Verdict } from './event-log.ts'

export function appendPromises(log: Now): void {
  it('begins empty', async () => {
    deepEqual(await log().head(), { position: 0, timestamp: '1970-01-01T00:00:00.000Z' })
    deepEqual(await log().readAll(0, 10), [])
  })

  it('tells positions, versions and the time of what it wrote', async () => {
    const verdict = await log().append({
      writes: [write('note-1', 'none', 2), write('note-2', 'any', 3)],
    })
    ok(verdict.ok)
    deepEqual([verdict.first, verdict.position, verdict.versions], [1, 5, [2, 3]])
    const events = await log().readAll(0, 10)
    deepEqual(
      events.map((event) => [
        event.position,
        `${event.aggregate_type}-${event.aggregate_id}`,
        event.version,
      ]),
      [
        [1, 'note-1', 1],
        [2, 'note-1', 2],
        [3, 'note-2', 1],
        [4, 'note-2', 2],
        [5, 'note-2', 3],
      ],
    )
    deepEqual(new Set(events.map(({ timestamp }) => timestamp)), new Set([verdict.timestamp]))
    deepEqual(await log().head(), { position: 5, timestamp: verdict.timestamp })
    const next = await log().append({
      writes: [write('note-2', 3, 1), write('note-1', 2, 0), write('note-3', 'none', 1)],
    })
    deepEqual(next.ok && [next.first, next.position, next.versions], [6, 7, [4, 2, 1]])
  })

  // Each expectation against a stream that is not there (0) and one with two events (2).
  const expectations: [Expected, number, boolean][] = [
    ['any', 0, true],
    ['any', 2, true],
    ['none', 0, true],
    ['none', 2, false],
    ['exists', 0, false],
    ['exists', 2, true],
    [0, 0, true],
    [0, 2, false],
    [2, 0, false],
    [2, 2, true],
    [1, 2, false],
    [3, 2, false],
    [-1, 0, false],
  ]
  for (const [expected, actual, fits] of expectations)
    for (const events of [1, 0])
      it(`${fits ? 'takes' : 'refuses'} '${expected}' when the version is ${actual}, ${
        events === 0 ? 'also as a check without events' : 'with an event'
      }`, async () => {
        if (actual > 0) await log().append(append('note-1', 'any', actual))
        const verdict = await log().append({
          writes: [write('note-2', 'none', 1), write('note-1', expected, events)],
        })
        if (fits) deepEqual(verdict.ok && verdict.versions, [1, actual + events])
        else deepEqual(verdict, { ok: false, reason: 'conflict', stream: 'note-1', actual })
        equal((await log().readStream('note-1')).length, actual + (fits ? events : 0))
        equal((await log().readStream('note-2')).length, fits ? 1 : 0)
      })

  it('refuses a writer who found no stream when another has made it since (traps 1.4)', async () => {
    deepEqual(await log().readStream('cart-1'), [])
    await log().append(append('cart-1', 'any'))
    const late = await log().append(append('cart-1', 'none'))
    deepEqual(late, { ok: false, reason: 'conflict', stream: 'cart-1', actual: 1 })
    equal((await log().readStream('cart-1')).length, 1)
  })

  it('lets exactly one of many make the same stream, or write the same version', async () => {
    for (const expected of ['none', 1] as const) {
      const race = Array.from({ length: 20 }, () => log().append(append('cart-1', expected)))
      const verdicts = await Promise.all(race)
      equal(verdicts.filter((verdict) => verdict.ok).length, 1)
      for (const verdict of verdicts)
        if (!verdict.ok)
          deepEqual(verdict, {
            ok: false,
            reason: 'conflict',
            stream: 'cart-1',
            actual: expected === 'none' ? 1 : 2,
          })
    }
  })

  it('names the first write that does not fit, in their order', async () => {
    await log().append({ writes: [write('note-1'), write('note-2')] })
    const verdict = await log().append({
      writes: [write('note-1', 1, 1), write('note-2', 'none', 1), write('note-3', 'exists', 1)],
    })
    deepEqual(verdict, { ok: false, reason: 'conflict', stream: 'note-2', actual: 1 })
    equal((await log().head()).position, 2)
  })

  it('judges each of 200 appends of one moment on its own', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        log().append(
          i % 5 === 0
            ? { writes: [write(`own-${i}`, 'none', 2), write('hot-1', 'any', 1)] }
            : i % 5 === 1
              ? append('hot-2', 'none')
              : i % 5 === 2
                ? append(`own-${i}`, 'exists')
                : append(`own-${i}`, 0, 1),
        ),
      ),
    )
    const accepted = (rest: number) => verdicts.filter((v, i) => i % 5 === rest && v.ok).length
    deepEqual([0, 1, 2, 3, 4].map(accepted), [40, 1, 0, 40, 40])
    equal((await log().readStream('hot-1')).length, 40)
    const all = await log().readAll(0, 1_000)
    deepEqual(
      all.map(({ position }) => position),
      Array.from({ length: 201 }, (_, i) => i + 1),
    )
    verdicts.forEach((verdict, i) => {
      if (verdict.ok && i % 5 === 0)
        deepEqual(
          all.slice(verdict.first - 1, verdict.position).map((event) => event.aggregate_id),
          [`${i}`, `${i}`, '1'],
        )
    })
  })

  it('gives positions in the order of the answers when each waits for the one before', async () => {
    const positions: number[] = []
    for (let i = 0; i < 20; i++) {
      const verdict = await log().append(append(`note-${i % 3}`, 'any', 1 + (i % 2)))
      if (verdict.ok) positions.push(verdict.first, verdict.position)
    }
    deepEqual(
      positions,
      positions.toSorted((a, b) => a - b),
    )
    equal(positions.at(-1), 30)
  })

  it('takes an append without events as a check of the log as it is', async () => {
    await log().append(append('note-1', 'none', 2))
    const verdict = await log().append({
      writes: [write('note-1', 2, 0), write('note-2', 'none', 0)],
    })
    deepEqual(verdict.ok && [verdict.position, verdict.versions], [2, [2, 0]])
    const empty = await log().append({ writes: [] })
    deepEqual(empty.ok && [empty.position, empty.versions], [2, []])
    equal((await log().head()).position, 2)
  })

  it('takes 5,000 events in one append, and not one more', async () => {
    const verdict = await log().append({
      writes: [write('large-1', 'none', 4_000), write('large-2', 'none', 1_000)],
    })
    deepEqual(verdict.ok && [verdict.first, verdict.position, verdict.versions], [
      1,
      5_000,
      [4_000, 1_000],
    ])
    const more = { writes: [write('large-1', 'any', 4_000), write('large-2', 'any', 1_001)] }
    await rejects(log().append(more), { name: 'AppendTooLarge' })
    equal((await log().head()).position, 5_000)
  })

  it('refuses what is not an append: a stream named twice, a name that is none', async () => {
    await rejects(log().append({ writes: [write('note-1'), write('note-1')] }), {
      name: 'InvalidAppend',
    })
    for (const stream of [
      'note',
      '-1',
      'note-',
      'Note-1',
      'note-a b',
      'note-é',
      `note-${'x'.repeat(201)}`,
      '',
    ])
      await rejects(log().append(append(stream)), { name: 'InvalidAppend' }, stream)
    for (const stream of ['note-1', 'stock_item-S1:P-1', `note-${'x'.repeat(200)}`, 'a1-A.b:c_d-e'])
      equal((await log().append(append(stream))).ok, true, stream)
  })

  it('wakes whoever listens after a commit, until they stop', async () => {
    const heard: number[] = []
    let next = () => {}
    const woken = () =>
      new Promise<void>((resolve) => {
        next = resolve
      })
    const stop = log().onAppended((position) => {
      heard.push(position)
      next()
    })
    for (const last of [2, 4]) {
      const call = woken()
      await log().append(append('note-1', 'any', 2))
      while ((heard.at(-1) ?? 0) < last) await call
    }
    deepEqual(heard.at(-1), 4)
    stop()
    const other = new Promise<number>((resolve) => log().onAppended(resolve))
    await log().append(append('note-1'))
    equal(await other, 5)
    equal(heard.at(-1), 4)
  })

  claimPromises(log)
}

const code = (value: string, owner: string, scope = 'code') => ({ scope, value, owner })
const claiming = (owner: string, more: Partial<Append>): Append => ({ ...append(owner), ...more })
const refusedBy = (verdict: Verdict) =>
  !verdict.ok && verdict.reason === 'claimed' ? [verdict.claim, verdict.owner] : verdict

function claimPromises(log: Now): void {
  it('gives a claimed value to one owner; another is told whose it is and writes nothing', async () => {
    const mine = code('P-1', 'note-1')
    equal((await log().append(claiming('note-1', { claims: [mine] }))).ok, true)
    const theirs = code('P-1', 'note-2')
    deepEqual(refusedBy(await log().append(claiming('note-2', { claims: [theirs] }))), [
      theirs,
      'note-1',
    ])
    deepEqual(await log().claims(null, 10), [mine])
    deepEqual(await log().readStream('note-2'), [])
  })

  it('lets an owner claim again, and keeps scopes and letter cases apart', async () => {
    for (const value of ['P-1', 'P-1', 'p-1'])
      equal((await log().append(claiming('note-1', { claims: [code(value, 'note-1')] }))).ok, true)
    const other = code('P-1', 'note-2', 'email')
    equal((await log().append(claiming('note-2', { claims: [other] }))).ok, true)
    deepEqual(await log().claims(null, 10), [code('P-1', 'note-1'), code('p-1', 'note-1'), other])
  })

  it('lets exactly one of many claim a value at the same moment', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        log().append(claiming(`note-${i}`, { claims: [code('P-1', `note-${i}`)] })),
      ),
    )
    equal(verdicts.filter(({ ok }) => ok).length, 1)
    equal((await log().head()).position, 1)
  })

  it('tells the owners of those of the asked values that are claimed', async () => {
    const odd = code('P\'"\\ 1', 'note-2')
    await log().append(
      claiming('note-1', { claims: [code('P-1', 'note-1'), code('P-2', 'note-1')] }),
    )
    await log().append(claiming('note-2', { claims: [odd, code('P-1', 'note-2', 'email')] }))
    const asked = [odd, code('P-1', ''), code('P-1', ''), code('p-1', ''), code('P-2', '', 'email')]
    const found = await log().claimsOf(asked.map(({ scope, value }) => ({ scope, value })))
    const byOwner = found.toSorted((a, b) => (a.owner < b.owner ? -1 : 1))
    deepEqual(byOwner, [code('P-1', 'note-1'), odd])
    deepEqual(await log().claimsOf([]), [])
  })

  it('frees a released value for anybody', async () => {
    await log().append(claiming('note-1', { claims: [code('P-1', 'note-1')] }))
    await log().append(claiming('note-1', { releases: [code('P-1', 'note-1')] }))
    deepEqual(await log().claims(null, 10), [])
    equal((await log().append(claiming('note-2', { claims: [code('P-1', 'note-2')] }))).ok, true)
  })

  it('judges releases before claims, so that a value moves in one append', async () => {
    await log().append(claiming('note-1', { claims: [code('P-1', 'note-1')] }))
    const moved = await log().append(
      claiming('note-1', { releases: [code('P-1', 'note-1')], claims: [code('P-1', 'note-2')] }),
    )
    equal(moved.ok, true)
    deepEqual(await log().claims(null, 10), [code('P-1', 'note-2')])
  })

  it('lets only the owner release: a foreign release frees nothing, one of nothing is fine', async () => {
    await log().append(claiming('note-1', { claims: [code('P-1', 'note-1')] }))
    const foreign = claiming('note-2', { releases: [code('P-1', 'note-2'), code('P-9', 'note-2')] })
    equal((await log().append(foreign)).ok, true)
    deepEqual(await log().claims(null, 10), [code('P-1', 'note-1')])
    const theft = claiming('note-2', {
      releases: [code('P-1', 'note-2')],
      claims: [code('P-1', 'note-2')],
    })
    deepEqual(refusedBy(await log().append(theft)), [code('P-1', 'note-2'), 'note-1'])
  })

  it('keeps nothing of a refused append: no event, no claim, no release, no command', async () => {
    await log().append(
      claiming('note-1', { claims: [code('P-1', 'note-1'), code('P-2', 'note-1')] }),
    )
    const verdict = await log().append({
      writes: [write('note-2', 'none'), write('note-3')],
      releases: [code('P-2', 'note-1')],
      claims: [code('P-3', 'note-2'), code('P-1', 'note-2')],
      command: asCommand('c-1'),
    })
    equal(!verdict.ok && verdict.reason, 'claimed')
    const conflict = await log().append({
      writes: [write('note-1', 'none')],
      releases: [code('P-2', 'note-1')],
      claims: [code('P-3', 'note-1')],
      command: asCommand('c-1'),
    })
    equal(!conflict.ok && conflict.reason, 'conflict')
    deepEqual(await log().claims(null, 10), [code('P-1', 'note-1'), code('P-2', 'note-1')])
    equal(await log().commandRecord('c-1'), null)
    equal((await log().head()).position, 1)
  })

  it('tells of a conflict before it tells of a claim', async () => {
    await log().append(claiming('note-1', { claims: [code('P-1', 'note-1')] }))
    const both = { writes: [write('note-1', 5)], claims: [code('P-1', 'note-2')] }
    const verdict = await log().append(both)
    equal(!verdict.ok && verdict.reason, 'conflict')
  })

  it('notes claims and releases in the metadata of the first event, and of no other', async () => {
    const claims = [code('P-1', 'note-1')]
    const releases = [code('P-0', 'note-1')]
    const metadata = { correlation_id: 'c-7' }
    await log().append({
      writes: [
        write('note-9', 'none', 0),
        write('note-1', 'none', [noted({ a: 1 }, { metadata }), noted({ a: 2 }, { metadata })]),
        write('note-2', 'none', [noted({ a: 3 }, { metadata })]),
      ],
      claims,
      releases,
    })
    const kept = (await log().readAll(0, 10)).map((event) => event.metadata)
    deepEqual(kept, [{ ...metadata, claims, releases }, metadata, metadata])
  })

  it('refuses claims that no event could carry, and one value for two owners', async () => {
    const eventless = { writes: [write('note-1', 'any', 0)], claims: [code('P-1', 'note-1')] }
    await rejects(log().append(eventless), { name: 'InvalidAppend' })
    const two = { ...append('note-1'), claims: [code('P-1', 'note-1'), code('P-1', 'note-2')] }
    await rejects(log().append(two), { name: 'InvalidAppend' })
    const twice = { ...append('note-1'), claims: [code('P-1', 'note-1'), code('P-1', 'note-1')] }
    equal((await log().append(twice)).ok, true)
  })

  it('pages through claims by scope and value, bytewise', async () => {
    const values = ['b', 'a', 'B', 'é', '🛒', '\u{ffff}', 'ab', '%', '']
    await log().append({
      writes: [write('note-1', 'any', notes(1))],
      claims: values.flatMap((value) => [code(value, 'note-1', 's2'), code(value, 'note-1', 's1')]),
    })
    const order = ['', '%', 'B', 'a', 'ab', 'b', 'é', '\u{ffff}', '🛒']
    const expected = ['s1', 's2'].flatMap((scope) =>
      order.map((value) => code(value, 'note-1', scope)),
    )
    const paged: unknown[] = []
    for (let page = await log().claims(null, 4); page.length > 0; ) {
      paged.push(...page)
      page = await log().claims(page.at(-1)!, 4)
    }
    deepEqual(paged, expected)
  })
}
