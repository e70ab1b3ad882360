// What every event log must hold, sentence by sentence of the port. An engine may be faster, never
// different: the suites ask only through the port.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { append, asCommand, noted, write } from '#testing/sample-appends.ts'
import type { EventLog } from './event-log.ts'
import { appendPromises } from './event-log-appends.contract.ts'
import { commandPromises } from './event-log-commands.contract.ts'
import { dataPromises } from './event-log-data.contract.ts'
import { readPromises } from './event-log-reads.contract.ts'
import { restorePromises } from './event-log-restore.contract.ts'
import type { Opened } from './opened.ts'

/** The log of the test that runs now. */
export type Now = () => EventLog

export function eventLogContract(name: string, open: () => Promise<Opened<EventLog>>): void {
  describe(`EventLog: ${name}`, () => {
    let opened: Opened<EventLog>
    let log: EventLog
    beforeEach(async () => {
      opened = await open()
      log = opened.port
    })
    afterEach(async () => {
      await log.close()
      await opened.remove()
    })
    const now = () => log

    describe('appending', () => appendPromises(now))
    describe('commands', () => commandPromises(now))
    describe('data', () => dataPromises(now))
    describe('reading', () => readPromises(now))
    describe('restoring', () => restorePromises(now, open))

    it('refuses work once it is closed, and closing twice is fine', async () => {
      await log.append(append('note-1'))
      await log.close()
      await rejects(log.append(append('note-1')), { name: 'LogClosed' })
      await rejects(log.restore([], []), { name: 'LogClosed' })
      await rejects(log.readAll(0, 10))
      await rejects(log.head())
      await log.close()
    })

    it('answers every append that it took before it was closed', async () => {
      const taken = Array.from({ length: 20 }, (_, i) => log.append(append(`note-${i}`)))
      await log.close()
      deepEqual(
        (await Promise.all(taken)).map((verdict) => verdict.ok),
        Array(20).fill(true),
      )
    })

    it('has everything still there after opening again, where it says that it is durable', async (t) => {
      equal(opened.reopen !== undefined, log.capabilities.durable)
      if (opened.reopen === undefined) return t.skip(`${name} keeps nothing`)
      const claim = { scope: 'code', value: 'P-1', owner: 'note-1' }
      await log.append({
        writes: [
          write('note-1', 'none', [noted({ text: 'ünïcode 🛒' })]),
          write('note-2', 'none', 3),
        ],
        claims: [claim],
        command: asCommand('c-1'),
      })
      await log.saveSnapshots([{ stream: 'note-2', version: 2, state_version: 1, state: { n: 2 } }])
      const before = await everythingOf(log)
      await log.close()
      log = await opened.reopen()
      deepEqual(await everythingOf(log), before)
      const more = await log.append(append('note-2', 3))
      deepEqual(more.ok && [more.position, more.versions], [5, [4]])
      const again = await log.append({ ...append('note-9'), command: asCommand('c-1') })
      equal(!again.ok && again.reason, 'repeated')
    })
  })
}

const everythingOf = async (log: EventLog) => ({
  events: await log.readAll(0, 100),
  claims: await log.claims(null, 100),
  commands: await log.commandRecords('', 100),
  loaded: await log.load([{ stream: 'note-2', after: 0, stateVersion: 1 }]),
  head: await log.head(),
})
