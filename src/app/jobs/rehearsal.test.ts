// A shop to try commands on: rows of a file are rehearsed side by side, and contend for names.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { catalog } from '#contexts/catalog/catalog.ts'
import { personalData } from '#runtime/personal.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { rehearsal } from './rehearsal.ts'

test('of two who want one name at once, one has it', async () => {
  const log = await openEventLog()
  const { aggregates, commands } = catalog
  const types = Object.assign({}, ...aggregates.map(({ events }) => events))
  const slow: typeof log = { ...log, head: () => sleep(20).then(() => log.head()) }
  const { send } = rehearsal({
    ...{ log: slow, aggregates, commands, types, settings: { 'money.currency': 'USD' } },
    ...{ personal: personalData(types, await openKeyRing()), now: () => new Date().toISOString() },
  })
  const outcomes = await Promise.all([1, 2].map(() => send('CreateUnit', { name: 'box' })))
  deepEqual(outcomes.map((outcome) => (outcome.ok ? 'made' : outcome.rejection.code)).toSorted(), [
    'already_exists',
    'made',
  ])
})
