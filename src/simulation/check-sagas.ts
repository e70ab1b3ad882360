// Sagas and orders, read from their events: one saga for each order, steps forward in order and
// backward in reverse, and an order whose life goes one way.
import type { Recorded } from '#kernel/message.ts'
import { add } from './sometimes.ts'
import { sometimes, type World } from './world.ts'

type Data = {
  readonly step: string
  readonly steps: readonly string[]
  readonly outcome: string
  readonly cause: string
  readonly change: string
  readonly needs_attention?: boolean
  readonly is_external?: boolean
  readonly operation_id?: string | null
}

export function checkSagas(world: World, events: readonly Recorded[]): readonly string[] {
  const orders = streamsOf(events, 'order')
  const sagas = streamsOf(events, 'saga')
  const lacking = [...orders.keys()].filter((id) => !sagas.has(id))
  const alone = [...sagas.keys()].filter((id) => !orders.has(id))
  noteOutcomes(world, events)
  return [
    ...lacking.map((id) => `order ${id} has no saga`),
    ...alone.map((id) => `saga ${id} has no order`),
    ...[...orders].flatMap(([id, life]) => lifeProblems(id, life)),
    ...[...sagas].flatMap(([id, steps]) => sagaProblems(id, steps)),
    ...[...sagas].flatMap(([id, steps]) => endProblems(id, steps, orders.get(id) ?? [])),
  ]
}

const streamsOf = (events: readonly Recorded[], type: string) =>
  Map.groupBy(
    events.filter(({ aggregate_type }) => aggregate_type === type),
    ({ aggregate_id }) => aggregate_id,
  )
const dataOf = ({ data }: Recorded) => data as Data

/** Which may follow which. */
const LIFE: Readonly<Record<string, readonly string[]>> = {
  '': ['OrderCreated'],
  OrderCreated: ['OrderConfirmed', 'OrderCancelled'],
  OrderConfirmed: ['OrderPartiallyShipped', 'OrderShipped', 'OrderCancelled'],
  // The rest of it may be cancelled: what has left is all of it then.
  OrderPartiallyShipped: ['OrderPartiallyShipped', 'OrderShipped', 'OrderDelivered'],
  OrderShipped: ['OrderDelivered'],
  OrderDelivered: [],
  OrderCancelled: [],
}

export function orderStatus(life: readonly Recorded[]): string {
  const last = life.findLast(({ event_type }) => event_type in LIFE)?.event_type
  if (last === 'OrderPartiallyShipped') return isAllGone(life) ? 'SHIPPED' : 'PARTIALLY_SHIPPED'
  return last === 'OrderCreated' ? 'PENDING' : (last ?? '').replace('Order', '').toUpperCase()
}

/** Of what was ordered, all has left or was cancelled. */
function isAllGone(life: readonly Recorded[]): boolean {
  const ordered = life.findLastIndex(isOrdering)
  const units = (types: readonly string[]) =>
    life
      .slice(ordered)
      .filter(({ event_type }) => types.includes(event_type))
      .flatMap(({ data }) => (data as { readonly lines?: readonly Units[] }).lines ?? [])
      .reduce((sum, { quantity }) => sum + quantity, 0)
  const gone = units(['OrderPartiallyShipped', 'OrderLinesCancelled'])
  return units(['OrderCreated', 'OrderUpdated']) === gone
}
/** Other items take the place of the first ones. */
const isOrdering = ({ event_type, data }: Recorded) =>
  event_type === 'OrderCreated' ||
  (event_type === 'OrderUpdated' && (data as { readonly lines?: unknown }).lines !== undefined)
type Units = { readonly quantity: number }

function lifeProblems(id: string, life: readonly Recorded[]): readonly string[] {
  const problems: string[] = []
  let last = ''
  for (const { event_type, position } of life) {
    if (!(event_type in LIFE)) continue
    if (!LIFE[last]!.includes(event_type))
      problems.push(`order ${id}: ${event_type} at ${position} after ${last || 'nothing'}`)
    last = event_type
  }
  return problems
}

function sagaProblems(id: string, events: readonly Recorded[]): readonly string[] {
  const [first] = events
  const starts = events.filter(({ event_type }) => event_type === 'SagaStarted')
  if (first === undefined || first.event_type !== 'SagaStarted' || starts.length !== 1)
    return [`saga ${id} was started ${starts.length} times`]
  const { steps } = dataOf(first)
  const problems: string[] = []
  const done: string[] = []
  const undone: string[] = []
  for (const event of events) {
    const { step, outcome } = dataOf(event)
    if (event.event_type === 'SagaStepSucceeded') {
      if (steps[done.length] !== step)
        problems.push(`saga ${id}: ${step} succeeded at ${event.position} after ${done.join()}`)
      done.push(step)
    }
    if (event.event_type === 'SagaStepCompensated') undone.push(step)
    if (event.event_type === 'SagaCompleted' && done.length !== steps.length)
      problems.push(`saga ${id} was completed after ${done.join()}`)
    if (event.event_type === 'SagaFailed' && outcome === 'compensated')
      problems.push(...undoneProblems(id, steps, done, undone))
  }
  return problems
}

function undoneProblems(
  id: string,
  steps: readonly string[],
  done: readonly string[],
  undone: readonly string[],
): readonly string[] {
  const places = undone.map((step) => steps.indexOf(step))
  const isReverse = places.every((place, at) => at === 0 || place < places[at - 1]!)
  const skipped = done.filter((step) => !undone.includes(step))
  return [
    ...(isReverse ? [] : [`saga ${id} was undone in the order ${undone.join()}`]),
    ...skipped.map((step) => `saga ${id} was compensated without undoing ${step}`),
  ]
}

/** A saga that ended says what its order says. */
function endProblems(
  id: string,
  events: readonly Recorded[],
  life: readonly Recorded[],
): readonly string[] {
  const end = events.findLast(({ event_type }) => ENDS.includes(event_type))
  if (end === undefined || end !== events.at(-1)) return []
  const isBack = end.event_type === 'SagaFailed'
  const status = orderStatus(life)
  const fits = isBack ? status === 'CANCELLED' : GOES_ON.includes(status)
  return fits ? [] : [`saga ${id} ended with ${end.event_type}, and its order is ${status}`]
}
const ENDS = ['SagaCompleted', 'SagaFailed']
const GOES_ON = ['CONFIRMED', 'PARTIALLY_SHIPPED', 'SHIPPED', 'DELIVERED']

function noteOutcomes(world: World, events: readonly Recorded[]) {
  const authorizing = new Set<string>()
  const gone = new Set<string>()
  for (const event of events) {
    const { outcome, cause, needs_attention, change, is_external } = dataOf(event)
    const { order_id } = event.data as { readonly order_id?: string }
    switch (event.event_type) {
      case 'SagaCompleted':
        sometimes(world, 'a saga was completed')
        break
      case 'SagaFailed':
        if (outcome === 'compensated') sometimes(world, 'a saga was compensated')
        break
      case 'PaymentAuthorizationRequested':
        authorizing.add(order_id ?? '')
        break
      case 'PaymentAuthorized':
        if (is_external === true && gone.has(order_id ?? ''))
          sometimes(world, 'a payer came too late')
        authorizing.delete(order_id ?? '')
        break
      case 'PaymentFailed':
        authorizing.delete(order_id ?? '')
        break
      case 'OrderCancelled':
        gone.add(order_id ?? '')
        if (cause === 'reservation_expired')
          sometimes(world, 'an order was cancelled by its reservation’s end')
        if (authorizing.has(order_id ?? ''))
          sometimes(world, 'an order was cancelled while its payment was under way')
        break
      case 'ReservationExpired':
        sometimes(world, 'a reservation by hand expired')
        break
      case 'OrderShipped':
        sometimes(world, 'an order was shipped')
        break
      case 'OrderLinesCancelled':
        sometimes(world, 'lines of an order were cancelled')
        break
      case 'OrderPartiallyShipped':
        sometimes(world, 'a part of an order was shipped')
        break
      case 'OrderReturnChanged':
        if (change === 'received') sometimes(world, 'goods came back')
        break
      case 'PaymentRefunded':
        sometimes(world, 'money was given back')
        break
      case 'OrderUpdated':
        sometimes(world, 'the items of an order were changed')
    }
    if (needs_attention === true && event.aggregate_type === 'saga')
      sometimes(world, 'a saga was left to a person')
    add(world.tally, `event ${event.event_type}`)
  }
}
