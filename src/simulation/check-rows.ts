// Read models beside plain additions of the log, made without any projection.
import type { Recorded } from '#kernel/message.ts'
import type { Projection, Row } from '#kernel/projection.ts'
import { orderStatus } from './check-sagas.ts'
import { moved, type Place } from './check-stock.ts'
import type { World } from './world.ts'

const ROWS_MAX = 1_000

export async function checkRows(
  world: World,
  projections: readonly Projection[],
  events: readonly Recorded[],
): Promise<readonly string[]> {
  const { reads } = world.stores
  const checkpoints = await reads.checkpoints()
  const problems: string[] = []
  for (const [name, check] of Object.entries(CHECKED)) {
    const one = projections.find((each) => each.name === name)
    if (one === undefined) throw new Error(`no projection is named ${name}`)
    const { items } = await reads.find(one.table, { limit: ROWS_MAX })
    // What was written while everybody stopped, nobody has taken.
    problems.push(...check(items, events.slice(0, checkpoints.get(name) ?? 0)))
  }
  return problems
}

type Check = (rows: readonly Row[], events: readonly Recorded[]) => readonly string[]
const CHECKED: Readonly<Record<string, Check>> = {
  inventory_views: stockProblems,
  order_views: orderProblems,
  payments: paymentProblems,
  simulated_orders: wordProblems,
}

function stockProblems(rows: readonly Row[], events: readonly Recorded[]): readonly string[] {
  const places = new Map<string, Place>()
  for (const event of events) if (event.aggregate_type === 'stock') moved(places, event)
  return rows.flatMap((row) => {
    const own = [...places].filter(([key]) => key.startsWith(`${row.product_id}:`))
    const quantity = own.reduce((sum, [, place]) => sum + place.quantity, 0)
    const reserved = own.reduce((sum, [, place]) => sum + place.reserved, 0)
    return row.quantity === quantity && row.reserved_quantity === reserved
      ? []
      : [
          `inventory_views has ${row.quantity} and ${row.reserved_quantity} promised of ` +
            `${row.product_id}; the log adds up to ${quantity} and ${reserved}`,
        ]
  })
}

function orderProblems(rows: readonly Row[], events: readonly Recorded[]): readonly string[] {
  const lives = Map.groupBy(
    events.filter(({ aggregate_type }) => aggregate_type === 'order'),
    ({ aggregate_id }) => aggregate_id,
  )
  const missing =
    lives.size === rows.length ? [] : [`${lives.size} orders have ${rows.length} rows`]
  return [
    ...missing,
    ...rows.flatMap(({ order_id, status }) => {
      const expected = orderStatus(lives.get(String(order_id)) ?? [])
      return status === expected ? [] : [`order ${order_id} is shown ${status}, and is ${expected}`]
    }),
  ]
}

function paymentProblems(rows: readonly Row[], events: readonly Recorded[]): readonly string[] {
  const sum = (id: unknown, type: string) =>
    events.reduce(
      (total, { aggregate_id, event_type, data }) =>
        aggregate_id === id && event_type === type
          ? total + (data as { readonly amount_minor: number }).amount_minor
          : total,
      0,
    )
  return rows.flatMap(({ payment_id, captured_minor, refunded_minor }) => {
    const captured = sum(payment_id, 'PaymentCaptured')
    const refunded = sum(payment_id, 'PaymentRefunded')
    return captured_minor === captured && refunded_minor === refunded
      ? []
      : [`payment ${payment_id} is shown with ${captured_minor} taken; the log has ${captured}`]
  })
}

/** The simulation's own projection keeps every word: one too many or too few shows. */
function wordProblems(rows: readonly Row[], events: readonly Recorded[]): readonly string[] {
  const words = new Map<string, string>()
  for (const { event_type, aggregate_id } of events)
    if (WORDS.includes(event_type))
      words.set(aggregate_id, `${words.get(aggregate_id) ?? ''}${event_type};`)
  const shown = new Map(rows.map(({ order_id, events: told }) => [String(order_id), told]))
  return [...words].flatMap(([id, told]) =>
    shown.get(id) === told ? [] : [`${id} is told as ${shown.get(id)}; it was ${told}`],
  )
}
const WORDS = ['OrderCreated', 'OrderConfirmed', 'OrderCancelled']
