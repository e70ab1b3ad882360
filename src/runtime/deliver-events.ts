// Sends events to those who are subscribed, at least once, those of one stream one after the other.
// Nothing is sent by a replay: how far each subscriber is stands in the outbox, which no rebuild
// moves. Several processes share the subscribers out; a delivery's record is what fences them.
import { setTimeout as wait } from 'node:timers/promises'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Delivery } from '#storage/outbox.ts'
import { nextAttempt, type Retrying, type Sent, type Subscriber, slotOf } from './deliver.ts'
import { type IntakeParts, intake } from './deliver-intake.ts'
import { caught, liftedEvent } from './recorded-events.ts'

export type DelivererParts = IntakeParts & {
  readonly types: EventTypes
  /** Who is subscribed now; null: that cannot be told yet. */
  readonly subscribers: () => Promise<readonly Subscriber[] | null>
  readonly retrying: Retrying
  /** Asked in the moment in which a delivery goes out. */
  readonly mayAct?: () => boolean
  readonly onError: (error: unknown, where: string) => void
  /** From 0 to 1. */
  readonly chance?: () => number
  readonly pollMs?: number
}
export type Deliverer = {
  /** All of the work, by the names under which it is shared out. */
  readonly work: readonly string[]
  /** From now on only this is done here; resolves when nothing else is under way. */
  runs(names: readonly string[]): Promise<void>
  /** Something was recorded: look soon. */
  wake(): void
  /** Finishes the deliveries under way. */
  stop(): Promise<void>
  /** Where each subscriber stands that is served here. */
  status(): Readonly<Record<string, DeliveryState>>
}

export type DeliveryState = {
  /** How far it has read the log. */
  readonly position: number
  readonly pending: number
  /** Given up, as far as they are still kept. */
  readonly dead: number
}

const SLOTS = 4
const WORK = Array.from({ length: SLOTS }, (_, slot) => `notices-${slot + 1}`)
const POLL_MS = 250
/** Appends that come one after the other share a look. */
const SOON_MS = 20
/** For one subscriber. */
const AT_ONCE_MAX = 8
/** Nothing may be sent here, or the outbox is away. */
const REST_MS = 1_000

export function deliverer(parts: DelivererParts): Deliverer {
  const { subscribers, onError, pollMs = POLL_MS } = parts
  const desk = deskOf(parts)
  let mine: readonly string[] = []
  let served: readonly Subscriber[] = []
  let looking: Promise<void> | null = null
  let again = false
  let poll: NodeJS.Timeout | undefined
  let restUntil = 0

  const isMine = ({ name }: Subscriber) => mine.includes(WORK[slotOf(name, SLOTS)]!)
  const look = async () => {
    const all = await subscribers()
    if (all === null) return
    served = all.filter(isMine)
    if (await desk.look(served, isMine)) again = true
  }
  const wake = () => {
    if (mine.length === 0 || performance.now() < restUntil) return
    if (looking !== null) {
      again = true
      return
    }
    again = false
    looking = wait(SOON_MS)
      .then(look)
      .catch((error) => {
        restUntil = performance.now() + REST_MS
        onError(caught(error), 'notices')
      })
      .finally(() => {
        looking = null
        if (again) wake()
      })
  }
  const runs = async (names: readonly string[]) => {
    mine = WORK.filter((name) => names.includes(name))
    clearInterval(poll)
    if (mine.length > 0) poll = setInterval(wake, pollMs)
    await looking
    await desk.finished(isMine)
    wake()
  }
  return {
    work: WORK,
    runs,
    wake,
    stop: () => runs([]),
    status: () => desk.status(served.filter(isMine)),
  }
}

type Mine = (subscriber: Subscriber) => boolean
type Desk = {
  /** Streams under way, each with its end. */
  readonly busy: Map<string, Promise<void>>
  readonly subscriber: Subscriber
  readonly isMine: Mine
}

/** What is under way, for whom, and who rests. */
function deskOf(parts: DelivererParts) {
  const taking = intake(parts)
  const desks = new Map<string, Desk>()
  const dispatch = dispatcher(parts, taking, desks)
  return {
    /** True: there is more to be read. */
    async look(served: readonly Subscriber[], isMine: Mine): Promise<boolean> {
      await taking.find(served)
      await taking.heed(served)
      const more = await taking.read(served)
      for (const subscriber of served) {
        const { busy } = desks.get(subscriber.name) ?? { busy: new Map<string, Promise<void>>() }
        desks.set(subscriber.name, { busy, subscriber, isMine })
        await dispatch(subscriber.name)
      }
      return more
    },
    /** Of those that are not done here any more; their places may move elsewhere from now on. */
    async finished(isMine: Mine) {
      const left = [...desks.values()].filter(({ subscriber }) => !isMine(subscriber))
      await Promise.all(left.flatMap(({ busy }) => [...busy.values()]))
      for (const { subscriber } of left) {
        taking.forget(subscriber.name)
        desks.delete(subscriber.name)
      }
    },
    status: (served: readonly Subscriber[]) =>
      Object.fromEntries(
        served.flatMap(({ name }) => {
          const place = taking.place(name)
          if (place === undefined) return []
          const { read: position, pending, dead } = place
          return [[name, { position, pending, dead }] as const]
        }),
      ),
  }
}

type Intake = ReturnType<typeof intake>

/** Begins what is due, for one subscriber at a time, and again whenever there is room. */
function dispatcher(parts: DelivererParts, taking: Intake, desks: ReadonlyMap<string, Desk>) {
  const { outbox, now, onError } = parts
  const filling = new Set<string>()
  const restUntil = new Map<string, number>()
  const quiet = quietOnes()
  const rest = (name: string, ms: number) => void restUntil.set(name, performance.now() + ms)
  const rests = (name: string) => performance.now() < (restUntil.get(name) ?? 0)
  const deliver = sender(parts, taking, rest)

  /** Begins what is due and has room. */
  const fill = async ({ subscriber, busy, isMine }: Desk) => {
    const { name, active } = subscriber
    if (busy.size >= AT_ONCE_MAX || rests(name) || !active) return
    const pending = taking.place(name)?.pending ?? 0
    if (pending <= busy.size || !quiet.mayAsk(name, pending)) return
    // What is under way now may end before the answer, which knows nothing of that.
    const before = new Set(busy.keys())
    const due = await outbox.due(name, now(), AT_ONCE_MAX + busy.size)
    // Given away while the outbox was asked.
    if (!isMine(subscriber)) return
    const free = due.filter(({ stream }) => !before.has(stream))
    if (free.length === 0) quiet.found(name, pending)
    for (const delivery of free.slice(0, AT_ONCE_MAX - busy.size))
      busy.set(
        delivery.stream,
        deliver(subscriber, delivery).finally(() => {
          busy.delete(delivery.stream)
          // Others have their turn in between, also where everybody answers at once.
          if (busy.size <= AT_ONCE_MAX / 2) setImmediate(() => void dispatch(name))
        }),
      )
  }
  /** One at a time for each: two would begin the same. */
  const dispatch = async (name: string) => {
    const desk = desks.get(name)
    if (desk === undefined || filling.has(name)) return
    filling.add(name)
    try {
      await fill(desk)
    } catch (error) {
      rest(name, REST_MS)
      onError(caught(error), name)
    } finally {
      filling.delete(name)
    }
  }
  return dispatch
}

/** One attempt and its record. */
function sender(parts: DelivererParts, taking: Intake, rest: (name: string, ms: number) => void) {
  const { outbox, now, onError, mayAct = () => true } = parts
  return async (subscriber: Subscriber, delivery: Delivery) => {
    const { name } = subscriber
    try {
      if (!mayAct()) return void rest(name, REST_MS)
      const sent = await sentBy(subscriber, delivery, parts)
      if (sent.is === 'later') return void rest(name, sent.ms)
      const outcome = outcomeOf(sent, delivery, parts)
      const at = now()
      const given = await outbox.record({
        ...{ subscription: name, position: delivery.position, after: delivery.attempts, at },
        ...outcome,
      })
      if (given !== null && outcome.status !== 'pending') taking.settled(name, outcome.status)
      if (given === null) taking.forget(name)
      else if (outcome.status === 'dead') await subscriber.gaveUp(given, delivery)
    } catch (error) {
      rest(name, REST_MS)
      taking.forget(name)
      onError(caught(error), `${name} ${delivery.event_type} ${delivery.event_id}`)
    }
  }
}

/** Who has only deliveries that wait is not asked for them at every append. */
function quietOnes() {
  const found = new Map<string, { readonly pending: number; readonly until: number }>()
  return {
    mayAsk(name: string, pending: number) {
      const last = found.get(name)
      return last?.pending !== pending || performance.now() >= last.until
    },
    found: (name: string, pending: number) =>
      void found.set(name, { pending, until: performance.now() + POLL_MS / 2 }),
  }
}

async function sentBy(
  { deliver }: Subscriber,
  delivery: Delivery,
  { log, types }: DelivererParts,
): Promise<Sent> {
  const [event] = await log.readAll(delivery.position - 1, 1)
  if (event?.event_id !== delivery.event_id)
    return { is: 'refused', status: null, error: 'the log has another event at its position' }
  try {
    return await deliver(liftedEvent(event, types), delivery)
  } catch (error) {
    // Its text may hold anything; its name does not.
    return { is: 'failed', status: null, error: codeOf(caught(error)) }
  }
}

const codeOf = (error: Error): string => (error as { code?: string }).code ?? error.name

function outcomeOf(
  sent: Exclude<Sent, { is: 'later' }>,
  delivery: Delivery,
  { retrying, now, chance = Math.random }: DelivererParts,
) {
  if (sent.is === 'taken')
    return { status: 'delivered' as const, last_status: sent.status, last_error: null }
  if (sent.is === 'skipped')
    return { status: 'skipped' as const, last_status: null, last_error: sent.why }
  const told = { last_status: sent.status, last_error: sent.error }
  const next =
    sent.is === 'refused'
      ? null
      : nextAttempt(delivery, sent, retrying, { now: now(), chance: chance() })
  return next === null
    ? { status: 'dead' as const, ...told }
    : { status: 'pending' as const, ...told, next_attempt_at: next }
}
