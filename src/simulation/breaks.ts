// Parts that are broken on purpose, to see that the checks notice: each takes the place of a whole
// one for the length of a run. None of this is in the product.
import { randomUUID } from 'node:crypto'
import type { Append, EventLog, Verdict } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Random } from '#testing/random.ts'
import type { Scheduler } from './scheduler.ts'
import { counters, type Swarm, sleepers, swarmOf } from './swarm.ts'
import type { Stores } from './world.ts'

/** What is broken, and the check that has to say so. */
export const BREAKS = {
  'ignores-expected-versions': ['the log writes whatever version was expected', 'C1'],
  'forgets-at-crash': ['the log acknowledges before it is durable', 'C1'],
  'tears-appends': ['now and then an append is written but for its last stream', 'C1'],
  'keeps-no-records': ['the log keeps no command records', 'C5'],
  'answers-anew': ['a repeated command is told another position than the first', 'C5'],
  'shows-positions-early': ['an event is visible before the one that precedes it', 'C2'],
  'skips-for-subscribers': ['a page read after a notice lacks its first event', 'C2'],
  'commits-unchecked': ['read models take rows whatever their checkpoint', 'C3'],
  'forgets-parked': ['read models forget which events wait', 'C3'],
  'charges-again': ['the provider carries a repeated operation out again', 'C6'],
  'asks-under-fresh-ids': ['every call to the provider has an id of its own', 'C6'],
  'drops-voids': ['the provider says that it voided, and did not', 'C6'],
  'keeps-labels': ['the carrier says that it cancelled a label, and did not', 'C6'],
  'ignores-stock-versions': ['stock is promised on top of whatever is there', 'C7'],
  'ignores-register-versions': ['receipts are numbered on top of whatever is there', 'C12'],
  'keeps-keys': ['a key that is destroyed is kept', 'C13'],
  'forgets-undoing': ['the log drops the word that a step was undone', 'C8'],
  'answers-too-early': ['a query does not wait for the position it was given', 'C10'],
  'finds-nothing-due': ['read models never show what is due', 'L1'],
  unfenced: ['a process that was stopped goes on with its call to the provider', 'C6'],
  'two-holders': ['a lease is given to whoever asks', 'C9'],
} as const satisfies Readonly<Record<string, readonly [about: string, caughtBy: string]>>
export type Break = keyof typeof BREAKS
/** Some only show in histories of their own kind. */
export function drawnFor(seed: number, name: Break | null): Swarm {
  const drawn = swarmOf(seed)
  if (name === 'unfenced') return { ...sleepers(drawn), operations: 8, troubleMs: 250 }
  return name === 'ignores-register-versions' ? counters(drawn) : drawn
}
export const isBreak = (name: string): name is Break => Object.hasOwn(BREAKS, name)

type Tools = { readonly scheduler: Scheduler; readonly random: Random }
type Broken = { readonly stores: Stores; readonly storeFails: () => void }

export function broken(stores: Stores, name: Break | null, tools: Tools): Broken {
  const whole = { stores, storeFails: () => {} }
  if (name === null) return whole
  if (name === 'forgets-at-crash') return forgetful(stores, tools)
  const log = logs[name]?.(stores.log, tools)
  const reads = rows[name]?.(stores.reads)
  const more = outsides[name]?.(stores) ?? {}
  const parts = { ...(log === undefined ? {} : { log }), ...(reads === undefined ? {} : { reads }) }
  return { ...whole, stores: { ...stores, ...parts, ...more } }
}

type Wrap<T> = (whole: T, tools: Tools) => T

/** Streams of one kind are written whatever version was expected. */
function onTopOfAny(prefix: string): Wrap<EventLog> {
  return (log) => ({
    ...log,
    append: ({ writes, ...append }) =>
      log.append({
        ...append,
        writes: writes.map((one) =>
          one.stream.startsWith(prefix) ? { ...one, expected: 'any' } : one,
        ),
      }),
  })
}

const logs: Partial<Record<Break, Wrap<EventLog>>> = {
  'ignores-expected-versions': (log) => ({
    ...log,
    append: (append) =>
      log.append({ ...append, writes: append.writes.map((one) => ({ ...one, expected: 'any' })) }),
  }),
  'ignores-stock-versions': onTopOfAny('stock-'),
  'ignores-register-versions': onTopOfAny('register-'),
  'forgets-undoing': (log) => ({
    ...log,
    append: (append) =>
      log.append({
        ...append,
        writes: append.writes.map(({ events, ...one }) => ({
          ...one,
          events: events.filter(({ event_type }) => event_type !== 'SagaStepCompensated'),
        })),
      }),
  }),
  'tears-appends': (log, { random }) => ({
    ...log,
    append: (append) => log.append(random.chance(0.2) ? torn(append) : append),
  }),
  'keeps-no-records': (log) => ({
    ...log,
    append: ({ command: _, ...append }) => log.append(append),
    commandRecord: async () => null,
  }),
  'answers-anew': (log) => ({
    ...log,
    append: async (append) => moved(await log.append(append)),
    async commandRecord(id) {
      const record = await log.commandRecord(id)
      return record && { ...record, position: record.position + 1 }
    },
  }),
  'shows-positions-early': (log, { scheduler }) => {
    const seen = new Map<number, number>()
    return {
      ...log,
      async readAll(after, limit) {
        const now = scheduler.now()
        const events = await log.readAll(after, limit)
        // Every seventh is in place a moment later than what follows it.
        return events.filter(({ position }) => {
          if (position % 7 > 0) return true
          if (!seen.has(position)) seen.set(position, now)
          return now > seen.get(position)! + 30
        })
      },
    }
  },
  'skips-for-subscribers': (log) => ({
    ...log,
    async readAll(after, limit) {
      const events = await log.readAll(after, limit)
      return limit === RELAY_PAGE && events.length > 1 ? events.slice(1) : events
    },
  }),
}
/** What a relay asks for; nobody else does. */
const RELAY_PAGE = 500

const torn = ({ writes, ...append }: Append): Append =>
  writes.length < 2
    ? { writes, ...append }
    : {
        ...append,
        writes: writes.map((one, at) => (at < writes.length - 1 ? one : { ...one, events: [] })),
      }

function moved(verdict: Verdict): Verdict {
  if (verdict.ok || (verdict.reason !== 'repeated' && verdict.reason !== 'reused')) return verdict
  return { ...verdict, record: { ...verdict.record, position: verdict.record.position + 1 } }
}

/** No row has this many before it. */
const NOTHING = { limit: 1, offset: 1_000_000 }

const rows: Partial<Record<Break, (reads: ReadModels) => ReadModels>> = {
  'commits-unchecked': (reads) => ({
    ...reads,
    async commit(commits) {
      const at = await reads.checkpoints()
      return reads.commit(
        commits.map(({ generation: _, ...one }) => ({ ...one, from: at.get(one.projection) ?? 0 })),
      )
    },
  }),
  'finds-nothing-due': (reads) => ({
    ...reads,
    find: (table, query) => reads.find(table, query.sort === undefined ? query : NOTHING),
  }),
  'forgets-parked': (reads) => ({
    ...reads,
    commit: (commits) => reads.commit(commits.map((one) => ({ ...one, park: [] }))),
  }),
}

const outsides: Partial<Record<Break, (stores: Stores) => Partial<Stores>>> = {
  'charges-again': ({ provider }) => {
    const calls = new Map<string, number>()
    const again = <R extends { readonly operation_id: string }>(request: R): R => {
      const { operation_id } = request
      const times = (calls.get(operation_id) ?? 0) + 1
      calls.set(operation_id, times)
      return times === 1 ? request : { ...request, operation_id: `${operation_id}:again:${times}` }
    }
    return {
      provider: {
        ...provider,
        capture: (request) => provider.capture(again(request)),
        refund: (request) => provider.refund(again(request)),
        authorize: (request) => provider.authorize(again(request)),
      },
    }
  },
  'asks-under-fresh-ids': ({ provider }) => ({
    provider: {
      ...provider,
      authorize: (request) => provider.authorize({ ...request, operation_id: randomUUID() }),
    },
  }),
  'drops-voids': ({ provider }) => ({
    provider: {
      ...provider,
      void: async ({ reference }) => ({ status: 'succeeded', reference }),
    },
  }),
  'keeps-labels': ({ carrier }) => ({
    carrier: {
      ...carrier,
      cancelLabel: async ({ tracking_number }) => ({
        status: 'succeeded',
        tracking_number,
        carrier: carrier.name,
      }),
    },
  }),
  'keeps-keys': ({ keys }) => ({ keys: { ...keys, destroy: async () => {} } }),
  'two-holders': ({ leases }) => ({
    leases: {
      ...leases,
      async acquire(name, holder, forMs) {
        const held = (await leases.held(name)).find((one) => one.name === name)
        if (held !== undefined) await leases.release(name, held.holder)
        return leases.acquire(name, holder, forMs)
      },
    },
  }),
}

/** What was acknowledged last is gone when the store comes back. */
function forgetful(stores: Stores, { random }: Tools): Broken {
  let inner = stores.log
  const heard = new Set<(position: number) => void>()
  const listen = (log: EventLog) =>
    log.onAppended((position) => {
      for (const wake of heard) wake(position)
    })
  listen(inner)
  const forget = async () => {
    const events = await inner.readAll(0, Number.MAX_SAFE_INTEGER)
    const kept = events.slice(0, -random.int(1, 3))
    const records = await inner.commandRecords('', Number.MAX_SAFE_INTEGER)
    const fresh = await openEventLog()
    await fresh.restore(
      kept,
      records.filter(({ position }) => position <= kept.length),
    )
    listen(fresh)
    inner = fresh
  }
  const through = Object.fromEntries(
    Object.keys(inner).map((name) => [
      name,
      // Every method of a log, whichever it is just now.
      (...args: never[]) => (inner[name as 'append'] as (...args: never[]) => unknown)(...args),
    ]),
  ) as unknown as EventLog
  const log: EventLog = {
    ...through,
    capabilities: inner.capabilities,
    onAppended(wake) {
      heard.add(wake)
      return () => heard.delete(wake)
    },
  }
  return { stores: { ...stores, log }, storeFails: () => void forget() }
}
