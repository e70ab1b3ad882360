// The one list of storage engines: the app opens from it, the tests run every contract on every
// entry. A driver is loaded only when its engine is named.
import type { EventLog } from './event-log.ts'
import type { JobBook } from './job-book.ts'
import type { KeyRing } from './key-ring.ts'
import type { Leases } from './leases.ts'
import type { Outbox } from './outbox.ts'
import type { ReadModels } from './read-models.ts'

/** Where a store lies: a file or a server's database. Each engine looks at what it needs. */
export type Place = { readonly path: string; readonly url: string }

export type Engine = {
  openEventLog(place: Place): Promise<EventLog>
  openReadModels(place: Place): Promise<ReadModels>
  openLeases(place: Place): Promise<Leases>
  openKeyRing(place: Place): Promise<KeyRing>
  openOutbox(place: Place): Promise<Outbox>
  openJobBook(place: Place): Promise<JobBook>
}

export const engines = {
  memory: async () => ({
    ...(await import('./memory/event-log.ts')),
    ...(await import('./memory/read-models.ts')),
    ...(await import('./memory/leases.ts')),
    ...(await import('./memory/key-ring.ts')),
    ...(await import('./memory/outbox.ts')),
    ...(await import('./memory/job-book.ts')),
  }),
  sqlite: async () => ({
    ...(await import('./sqlite/event-log.ts')),
    ...(await import('./sqlite/read-models.ts')),
    ...(await import('./sqlite/leases.ts')),
    ...(await import('./sqlite/key-ring.ts')),
    ...(await import('./sqlite/outbox.ts')),
    ...(await import('./sqlite/job-book.ts')),
  }),
  postgres: async () => ({
    ...(await import('./postgres/event-log.ts')),
    ...(await import('./postgres/read-models.ts')),
    ...(await import('./postgres/leases.ts')),
    ...(await import('./postgres/key-ring.ts')),
    ...(await import('./postgres/outbox.ts')),
    ...(await import('./postgres/job-book.ts')),
  }),
} as const satisfies Record<string, () => Promise<Engine>>
export type EngineName = keyof typeof engines
