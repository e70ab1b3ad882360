// Our HTTP doors and gateway over the memory engine, as a child whose CPU is its own. In memory, so
// that neither the disk nor the size of commits is part of what is measured.
import { httpDoors } from '#edges/http/doors.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numbersFrom } from '#runtime/number-series.ts'
import type { Operations } from '#runtime/operations.ts'
import { personalData } from '#runtime/personal.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { counters } from './counter-context.ts'
import { serveMeasured } from './measured-child.ts'

const log = await openEventLog()
const { types, commands } = counters
const { send } = commandGateway({
  log,
  commands,
  types,
  personal: personalData(types, await openKeyRing()),
  numbers: numbersFrom(log),
  now: () => new Date().toISOString(),
  settings: {},
})
const doors = httpDoors({
  commands,
  queries: [],
  send,
  ask: async () => {
    throw new Error('there are no queries here')
  },
  // Only the admin door speaks it, and that one is not opened.
  operations: {} as Operations,
  version: 'bench',
  log: (line) => process.stderr.write(`${line}\n`),
})
const { port } = await doors.public.listen('127.0.0.1', 0)
serveMeasured(port)
