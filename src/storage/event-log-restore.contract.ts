// What putting an exported log back must hold: the same envelopes, the same claims, or nothing.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { it } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import { append, asCommand, noted, write } from '#testing/sample-appends.ts'
import type { Now } from './event-log.contract.ts'
import type { CommandRecord, EventLog } from './event-log.ts'
import type { Opened } from './opened.ts'

const claim = (value: string, owner: string) => ({ scope: 'code', value, owner })

export function restorePromises(log: Now, open: () => Promise<Opened<EventLog>>): void {
  it('gives back the same envelopes, claims and records from another log', async () => {
    await fill(log())
    const other = await open()
    try {
      const events = await log().readAll(0, 100)
      const commands = await log().commandRecords('', 100)
      // In pieces, as an import does.
      await other.port.restore(events.slice(0, 4), [])
      await other.port.restore(events.slice(4), commands)
      deepEqual(await other.port.readAll(0, 100), events)
      deepEqual(await other.port.claims(null, 100), await log().claims(null, 100))
      deepEqual(await other.port.commandRecords('', 100), commands)
      deepEqual(await other.port.head(), await log().head())
    } finally {
      await other.port.close()
      await other.remove()
    }
  })

  it('goes on from what was restored: versions, claims and commands are enforced', async () => {
    const { events, commands } = await exported(open)
    await log().restore(events, commands)
    const stale = await log().append(append('note-1', 1))
    deepEqual(stale, { ok: false, reason: 'conflict', stream: 'note-1', actual: 3 })
    const taken = await log().append({ ...append('note-9'), claims: [claim('P-2', 'note-9')] })
    deepEqual(!taken.ok && taken.reason === 'claimed' && taken.owner, 'note-2')
    const again = await log().append({ ...append('note-1'), command: asCommand('c-1') })
    deepEqual(!again.ok && again.reason === 'repeated' && again.record, commands[0])
    const fresh = await log().append({ ...append('note-1', 3), claims: [claim('P-1', 'note-1')] })
    equal(fresh.ok && fresh.position, events.length + 1)
  })

  it('is unfinished from a part that says so to one that does not, for every handle', async (t) => {
    const { events, commands } = await exported(open)
    const other = await open()
    let { port } = other
    try {
      equal(await port.isUnfinished(), false)
      await port.restore(events.slice(0, 2), [], true)
      equal(await port.isUnfinished(), true)
      await port.restore(events.slice(2), commands, true)
      if (other.reopen === undefined) t.diagnostic('keeps nothing, so nothing is opened again')
      else {
        await port.close()
        port = await other.reopen()
      }
      equal(await port.isUnfinished(), true)
      // What does not fit changes nothing of it.
      await rejects(port.restore(events.slice(0, 1), []), { name: 'InvalidAppend' })
      equal(await port.isUnfinished(), true)
      await port.restore([], [])
      equal(await port.isUnfinished(), false)
      deepEqual(await port.readAll(0, 100), events)
    } finally {
      await port.close()
      await other.remove()
    }
  })

  it('counts nothing wrongly, appended or restored', async () => {
    deepEqual(await log().inspect(), [])
    await fill(log())
    deepEqual(await log().inspect(), [])
    const { events, commands } = await exported(open)
    const other = await open()
    try {
      await other.port.restore(events, commands)
      deepEqual(await other.port.inspect(), [])
    } finally {
      await other.port.close()
      await other.remove()
    }
  })

  it('wakes whoever listens', async () => {
    const { events } = await exported(open)
    const woken = new Promise<number>((resolve) => log().onAppended(resolve))
    await log().restore(events, [])
    equal(await woken, events.length)
  })

  it('refuses what does not follow the head, writes nothing of it and goes on', async () => {
    const { events, commands } = await exported(open)
    await log().restore(events.slice(0, 3), commands.slice(0, 1))
    const rest = events.slice(3)
    const claims = await log().claims(null, 10)
    const changed = (i: number, more: Partial<Recorded>) =>
      rest.map((event, j) => (i === j ? { ...event, ...more } : event))
    const bad: [string, readonly Recorded[], readonly CommandRecord[]][] = [
      ['a gap at the head', rest.slice(1), []],
      ['a repeat', events.slice(2), []],
      ['a gap inside', [...rest.slice(0, 1), ...rest.slice(2)], []],
      ['a version left out', changed(1, { version: rest[1]!.version + 1 }), []],
      [
        'a time before its predecessor’s',
        changed(1, { timestamp: '1999-01-01T00:00:00.000Z' }),
        [],
      ],
      ['data that no engine stores', changed(1, { data: { text: '\u0000' } }), []],
      ['a command record that is there', rest, commands.slice(0, 1)],
    ]
    for (const [what, list, records] of bad) {
      await rejects(log().restore(list, records), { name: 'InvalidAppend' }, what)
      equal((await log().head()).position, 3, what)
      deepEqual(await log().claims(null, 10), claims, what)
      equal((await log().commandRecords('', 10)).length, 1, what)
    }
    await log().restore(rest, commands.slice(1))
    deepEqual(await log().readAll(0, 100), events)
  })
}

/** Two streams, times of their own, claims that move, commands with and without events. */
async function fill(log: EventLog): Promise<void> {
  const occurred_at = '2010-12-01T08:26:00.000Z'
  await log.append({
    writes: [write('note-1', 'none', [noted({ text: 'ünïcode 🛒' }, { occurred_at }), noted({})])],
    claims: [claim('P-1', 'note-1')],
    command: asCommand('c-1'),
  })
  await log.append({
    writes: [write('note-2', 'none', 1), write('note-1', 2, 1)],
    claims: [claim('P-2', 'note-2')],
    releases: [claim('P-1', 'note-1'), claim('P-2', 'note-1')],
    command: asCommand('c-2', null),
  })
  await log.append({ writes: [write('note-2', 1, 0)], command: asCommand('c-3') })
  await log.append({
    writes: [write('note-2', 1, 2)],
    releases: [claim('P-2', 'note-2')],
    claims: [claim('P-2', 'note-2'), claim('P-3', 'note-2')],
  })
}

async function exported(open: () => Promise<Opened<EventLog>>) {
  const { port, remove } = await open()
  await fill(port)
  const events = await port.readAll(0, 100)
  const commands = await port.commandRecords('', 100)
  await port.close()
  await remove()
  return { events, commands }
}
