// What command records must hold: one effect per command, told the same way every time.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { it } from 'node:test'
import { append, asCommand, write } from '#testing/sample-appends.ts'
import type { Now } from './event-log.contract.ts'

export function commandPromises(log: Now): void {
  it('records a command with its append: response, position, version of the first write', async () => {
    await log().append(append('note-1', 'none', 4))
    const verdict = await log().append({
      writes: [write('note-2', 'none', 2), write('note-1', 4, 1)],
      command: asCommand('c-1', { order_id: 'o-1', total_minor: 2_999 }),
    })
    ok(verdict.ok)
    deepEqual(await log().commandRecord('c-1'), {
      id: 'c-1',
      fingerprint: 'asked-c-1',
      response: { order_id: 'o-1', total_minor: 2_999 },
      position: 7,
      version: 2,
    })
    equal(await log().commandRecord('c-2'), null)
  })

  it('answers a repeated command from its record and writes nothing', async () => {
    const command = asCommand('c-1')
    await log().append({ ...append('note-1', 'none', 2), command })
    const record = await log().commandRecord('c-1')
    // Even where its expectation would no longer hold, and with another response.
    const again = await log().append({
      ...append('note-1', 'none', 2),
      command: { ...command, response: 7 },
    })
    deepEqual(again, { ok: false, reason: 'repeated', record })
    equal((await log().head()).position, 2)
  })

  it('refuses another command under the same id, and keeps the first', async () => {
    await log().append({ ...append('note-1'), command: asCommand('c-1') })
    const record = await log().commandRecord('c-1')
    const other = { ...asCommand('c-1'), fingerprint: 'something else' }
    const verdict = await log().append({ ...append('note-2'), command: other })
    deepEqual(verdict, { ok: false, reason: 'reused', record })
    deepEqual(await log().commandRecord('c-1'), record)
    deepEqual(await log().readStream('note-2'), [])
  })

  it('records a command without events at the head, and repeats it as well', async () => {
    await log().append(append('note-1', 'none', 3))
    const checked = { writes: [write('note-1', 3, 0)], command: asCommand('c-1') }
    equal((await log().append(checked)).ok, true)
    const bare = { writes: [], command: asCommand('c-2', null) }
    equal((await log().append(bare)).ok, true)
    const [first, second] = await log().commandRecords('', 10)
    deepEqual([first!.position, first!.version], [3, 3])
    deepEqual([second!.position, second!.version, second!.response], [3, 0, null])
    deepEqual(await log().append(checked), { ok: false, reason: 'repeated', record: first })
    deepEqual(await log().append(bare), { ok: false, reason: 'repeated', record: second })
  })

  it('records nothing for a refused command: a repeat is judged anew', async () => {
    const command = asCommand('c-1')
    equal((await log().append({ ...append('note-1', 'exists'), command })).ok, false)
    equal(await log().commandRecord('c-1'), null)
    await log().append(append('note-1'))
    equal((await log().append({ ...append('note-1', 'exists'), command })).ok, true)
  })

  it('carries a command out once when it is sent many times at the same moment', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        log().append({ ...append('note-1', 'any', 2), command: asCommand(`c-${i % 4}`) }),
      ),
    )
    equal(verdicts.filter((verdict) => verdict.ok).length, 4)
    for (const verdict of verdicts)
      if (!verdict.ok)
        deepEqual(
          verdict.reason === 'repeated' && verdict.record,
          await log().commandRecord(verdict.reason === 'repeated' ? verdict.record.id : ''),
        )
    equal((await log().head()).position, 8)
  })

  it('keeps a response as it was: unicode, empty, nested, half a million characters', async () => {
    const responses = [
      { text: 'ünïcode 🛒 "\\u0000"' },
      {},
      [],
      '',
      0,
      false,
      { deep: [[{ a: null }]] },
      'x'.repeat(500_000),
    ]
    for (const [i, response] of responses.entries()) {
      await log().append({ ...append('note-1'), command: asCommand(`c-${i}`, response) })
      deepEqual((await log().commandRecord(`c-${i}`))!.response, response)
    }
  })

  it('refuses a command whose id, fingerprint or response no engine stores', async () => {
    const bad = [
      asCommand('c-\u0000'),
      asCommand('c-\ud800'),
      { ...asCommand('c-1'), fingerprint: '\u0000' },
      asCommand('c-1', { text: '\udfff' }),
      asCommand('c-1', { total: Number.NaN }),
      { ...asCommand('c-1'), response: undefined },
    ]
    for (const command of bad)
      await rejects(log().append({ ...append('note-1'), command }), { name: 'InvalidAppend' })
    deepEqual(await log().commandRecords('', 10), [])
    equal((await log().head()).position, 0)
  })

  it('pages through the records by id, bytewise, with neither gap nor repeat', async () => {
    const ids = ['b', 'a', 'B', 'é', '🛒', '\u{ffff}', 'ab', '10', '9']
    for (const id of ids) await log().append({ ...append('note-1'), command: asCommand(id) })
    const paged: string[] = []
    for (let after = ''; ; ) {
      const page = await log().commandRecords(after, 2)
      if (page.length === 0) break
      paged.push(...page.map(({ id }) => id))
      after = page.at(-1)!.id
    }
    deepEqual(paged, ['10', '9', 'B', 'a', 'ab', 'b', 'é', '\u{ffff}', '🛒'])
  })

  it('drops old responses only: id, fingerprint and position stay, and the repeat is known', async () => {
    for (let i = 1; i <= 5; i++)
      await log().append({ ...append('note-1'), command: asCommand(`c-${i}`) })
    equal(await log().dropResponses(3), 2)
    equal(await log().dropResponses(3), 0)
    deepEqual(
      (await log().commandRecords('', 10)).map(({ id, response }) => [id, response]),
      [
        ['c-1', null],
        ['c-2', null],
        ['c-3', { id: 'c-3' }],
        ['c-4', { id: 'c-4' }],
        ['c-5', { id: 'c-5' }],
      ],
    )
    const again = await log().append({ ...append('note-1'), command: asCommand('c-1') })
    deepEqual(again, {
      ok: false,
      reason: 'repeated',
      record: { id: 'c-1', fingerprint: 'asked-c-1', response: null, position: 1, version: 1 },
    })
    const other = { ...asCommand('c-1'), fingerprint: 'something else' }
    const reused = await log().append({ ...append('note-1'), command: other })
    equal(!reused.ok && reused.reason, 'reused')
  })

  it('gives those of the asked commands that are recorded', async () => {
    for (let i = 1; i <= 4; i++)
      await log().append({ ...append('note-1'), command: asCommand(`c-${i}`) })
    const found = await log().commandRecordsOf(['c-4', 'nobody', 'c-2', 'c-2', 'c\'"\\'])
    const alone = [await log().commandRecord('c-2'), await log().commandRecord('c-4')]
    deepEqual(
      found.toSorted((a, b) => a.position - b.position),
      alone,
    )
    deepEqual(await log().commandRecordsOf([]), [])
  })
}
