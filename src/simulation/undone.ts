// What a shop at peace still has to do: read from the log, and from where the read models stand.
import type { Recorded } from '#kernel/message.ts'
import type { Processes } from './processes.ts'
import { type World, wholeLog } from './world.ts'

type Data = Readonly<Record<string, unknown>>

/** In words; empty when everything has come to its end. */
export async function undone(world: World, processes: Processes): Promise<readonly string[]> {
  const { reads, log } = world.stores
  const events = await wholeLog(log)
  const end = events.length
  const checkpoints = await reads.checkpoints()
  const [process] = processes.running()
  if (process === undefined) return ['no process runs']
  const behind = process.projections
    .filter(({ name }) => checkpoints.get(name) !== end)
    .map(({ name }) => `${name} stands at ${checkpoints.get(name)} of ${end}`)
  // A rebuild that was cut off leaves a table behind, which the next one makes anew.
  const names = new Set(process.projections.map(({ name }) => name))
  const waiting = (await reads.parked()).filter(({ projection }) => names.has(projection))
  const parked = waiting.map(
    ({ projection, position }) => `${projection} still waits with event ${position}`,
  )
  // What a client has given up may still be carried out.
  const asked = processes
    .running()
    .filter(({ left }) => left.size > 0)
    .map(({ owner }) => `${owner.name} still has to answer`)
  return [
    ...asked,
    ...behind,
    ...parked,
    ...openSagas(events),
    ...openPayments(events),
    ...due(events, world),
    ...unforgotten(events),
    ...pricesDue(events, world),
  ]
}

const dataOf = ({ data }: Recorded) => data as Data

/** The last word of each saga is an end, or that a person is needed. */
function openSagas(events: readonly Recorded[]): readonly string[] {
  const last = new Map<string, Recorded>()
  const waits = new Set<string>()
  for (const event of events) {
    if (event.aggregate_type !== 'saga') continue
    last.set(event.aggregate_id, event)
    const { needs_attention, waiting_for } = dataOf(event)
    // What waits for its payer has the reservation's end to come.
    if (needs_attention === true && waiting_for === undefined) waits.add(event.aggregate_id)
  }
  const ends = new Set(['SagaCompleted', 'SagaFailed', 'SagaResolved'])
  return [...last]
    .filter(([id, { event_type }]) => !ends.has(event_type) && !waits.has(id))
    .map(([id, { event_type }]) => `saga ${id} still stands at ${event_type}`)
}

const REQUESTS = new Map([
  ['PaymentAuthorizationRequested', true],
  ['PaymentCaptureRequested', true],
  ['PaymentVoidRequested', true],
  ['PaymentRefundRequested', true],
  ['PaymentAuthorized', false],
  ['PaymentCaptured', false],
  ['PaymentVoided', false],
  ['PaymentRefunded', false],
  ['PaymentFailed', false],
])

function openPayments(events: readonly Recorded[]): readonly string[] {
  const pending = new Map<string, string>()
  for (const event of events) {
    const isRequest = REQUESTS.get(event.event_type)
    if (isRequest === true) pending.set(event.aggregate_id, event.event_type)
    if (isRequest === false) pending.delete(event.aggregate_id)
  }
  return [...pending].map(([id, type]) => `payment ${id} still waits for its ${type}`)
}

/** Reservations whose time is over and that still hold something. */
function due(events: readonly Recorded[], { scheduler }: World): readonly string[] {
  const until = new Map<string, string>()
  for (const event of events) {
    if (event.aggregate_type !== 'reservation') continue
    const { expires_at } = dataOf(event)
    if (event.event_type === 'InventoryReserved' || event.event_type === 'ReservationExtended') {
      if (typeof expires_at === 'string') until.set(event.aggregate_id, expires_at)
      else until.delete(event.aggregate_id)
    } else if (
      event.event_type === 'InventoryReleased' ||
      event.event_type === 'InventoryCommitted'
    )
      until.delete(event.aggregate_id)
    else if (event.event_type === 'ReservationExpired') until.delete(event.aggregate_id)
  }
  const now = new Date(scheduler.wall()).toISOString()
  return [...until]
    .filter(([, at]) => at <= now)
    .map(([id, at]) => `reservation ${id} is held since it ended at ${at}`)
}

function unforgotten(events: readonly Recorded[]): readonly string[] {
  const open = new Set<string>()
  for (const { event_type, data } of events) {
    const { subject } = data as { readonly subject: string }
    if (event_type === 'ErasureRequested') open.add(subject)
    if (event_type === 'PersonalKeyDestroyed') open.delete(subject)
  }
  return [...open].map((subject) => `${subject} still is to be forgotten`)
}

function pricesDue(events: readonly Recorded[], { scheduler }: World): readonly string[] {
  const open = new Map<string, string>()
  for (const { event_type, data } of events) {
    const { schedule_id = '', effective_at = '' } = data as Readonly<Record<string, string>>
    if (event_type === 'ProductPriceScheduled') open.set(schedule_id, effective_at)
    if (event_type === 'ProductPriceChanged' || event_type === 'ScheduledPriceCancelled')
      open.delete(schedule_id)
  }
  const now = new Date(scheduler.wall()).toISOString()
  return [...open]
    .filter(([, at]) => at <= now)
    .map(([id, at]) => `the price ${id} was to take effect at ${at}`)
}
