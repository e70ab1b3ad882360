// What a customer ordered. Stream: order-<order_id>; its reservation and its saga have the same id.
// PENDING → CONFIRMED → PARTIALLY_SHIPPED → SHIPPED → DELIVERED; PENDING or CONFIRMED → CANCELLED.
// A return does not change the status; it shows beside it.
import { aggregate } from '#kernel/decider.ts'
import { orderEvents } from './order-events.ts'
import {
  allUnsent,
  counted,
  type LineRefund,
  type LineUnits,
  type OrderLine,
  ordered,
  unsent,
  withheld,
} from './order-line.ts'

export const ORDER_STATUSES = [
  'PENDING',
  'CONFIRMED',
  'PARTIALLY_SHIPPED',
  'SHIPPED',
  'DELIVERED',
  'CANCELLED',
] as const

/** A shipment of its own lines; the order's first shipment appears here when it has left. */
export type Parcel = {
  readonly shipment_id: string
  readonly lines: readonly LineUnits[]
  readonly has_left: boolean
}
/** Units that are to come back, as far as they have not arrived. */
export type ReturnUnderWay = {
  readonly return_id: string
  readonly lines: readonly LineUnits[]
}

export type OrderState = {
  readonly status: (typeof ORDER_STATUSES)[number]
  readonly order_number: string
  readonly customer_id: string | null
  readonly user_id: string | null
  readonly store_id: string
  readonly currency: string
  readonly country: string | null
  /** Of what was not cancelled. */
  readonly total_amount_minor: number
  /** Of what came back and is to be paid back. */
  readonly returned_minor: number
  readonly placed_at: string
  readonly business_day: string
  readonly payment_id: string | null
  readonly lines: readonly OrderLine[]
  readonly parcels: readonly Parcel[]
  readonly returns: readonly ReturnUnderWay[]
}
/** null: no such order. */
export type Order = OrderState | null

export const order = aggregate({
  type: 'order',
  state_version: 2,
  events: orderEvents,
  initial: null as Order,
  evolve: {
    OrderCreated: (_, data): Order => ({
      status: 'PENDING',
      order_number: data.order_number,
      customer_id: data.customer_id,
      user_id: data.user_id,
      store_id: data.store_id,
      currency: data.currency,
      country: data.country,
      total_amount_minor: data.total_amount_minor,
      returned_minor: 0,
      placed_at: data.placed_at,
      business_day: data.business_day,
      payment_id: data.payment_id,
      lines: ordered(data.lines),
      parcels: [],
      returns: [],
    }),
    OrderUpdated: (state, { payment_id, lines, total_amount_minor, country }): Order => ({
      ...existing(state),
      ...(payment_id === undefined ? {} : { payment_id }),
      ...(lines === undefined ? {} : { lines: ordered(lines) }),
      ...(total_amount_minor === undefined ? {} : { total_amount_minor }),
      ...(country === undefined ? {} : { country }),
    }),
    OrderConfirmed: (state): Order => ({ ...existing(state), status: 'CONFIRMED' }),
    PaymentProcessed: (state) => existing(state),
    OrderLinesCancelled: (state, { lines, total_amount_minor }): Order => {
      const known = existing(state)
      const left = counted(known.lines, 'cancelled_quantity', lines)
      // Nothing is left to be sent: what has left was all of it.
      const isAll = known.status === 'PARTIALLY_SHIPPED' && left.every((each) => unsent(each) === 0)
      const status = isAll ? 'SHIPPED' : known.status
      return { ...known, status, lines: left, total_amount_minor }
    },
    OrderShipmentPlanned: (state, { shipment_id, lines }): Order => {
      const known = existing(state)
      return { ...known, parcels: [...known.parcels, { shipment_id, lines, has_left: false }] }
    },
    OrderShipmentDropped: (state, { shipment_id }): Order => {
      const known = existing(state)
      return { ...known, parcels: known.parcels.filter((each) => each.shipment_id !== shipment_id) }
    },
    OrderPartiallyShipped: (state, { shipment_id, lines }) =>
      left(existing(state), { shipment_id, lines }, 'PARTIALLY_SHIPPED'),
    OrderShipped: (state, { shipment_id, lines }) => {
      const known = existing(state)
      return left(known, { shipment_id, lines: lines ?? allUnsent(known.lines) }, 'SHIPPED')
    },
    OrderDelivered: (state): Order => ({ ...existing(state), status: 'DELIVERED' }),
    OrderReturnChanged: (state, data): Order => returning(existing(state), data),
    OrderRefundGranted: (state, { lines, amount_minor }): Order => {
      const known = existing(state)
      const returned_minor = known.returned_minor + amount_minor
      return { ...known, returned_minor, lines: withheld(known.lines, lines, -1) }
    },
    OrderCancelled: (state): Order => ({ ...existing(state), status: 'CANCELLED' }),
  },
})

/** Where a report counted the order, for events that take from it. */
export const countedIn = (state: OrderState) => ({
  customer_id: state.customer_id,
  country: state.country,
  currency: state.currency,
  store_id: state.store_id,
  placed_at: state.placed_at,
  business_day: state.business_day,
})

/** Units that somebody may still send, cancel or plan: those in no parcel that waits to leave. */
export function unplanned({ lines, parcels }: OrderState): LineUnits[] {
  const waiting = parcels.filter(({ has_left }) => !has_left)
  return lines
    .map((each) => ({
      line: each.line,
      quantity: unsent(each) - unitsOf(waiting, each.line),
    }))
    .filter(isSome)
}

/** Units that have left and may come back: neither here again nor on their way. */
export const returnable = ({ lines, returns }: OrderState): LineUnits[] =>
  lines
    .map(({ line, shipped_quantity, returned_quantity }) => ({
      line,
      quantity: shipped_quantity - returned_quantity - unitsOf(returns, line),
    }))
    .filter(isSome)

/** What is said of the order when returns are under way, or none is. */
export function returnStatus(
  { lines }: Pick<OrderState, 'lines'>,
  isUnderWay: boolean,
): 'none' | 'requested' | 'partially_returned' | 'returned' {
  const back = lines.some(({ returned_quantity }) => returned_quantity > 0)
  if (!back) return isUnderWay ? 'requested' : 'none'
  const isAll = lines.every(
    (each) => each.returned_quantity + each.cancelled_quantity === each.quantity,
  )
  return isAll ? 'returned' : 'partially_returned'
}

/** `null`: there is no such line. */
export const lineOf = ({ lines }: Pick<OrderState, 'lines'>, line: number): OrderLine | null =>
  lines.find((each) => each.line === line) ?? null

const isSome = ({ quantity }: LineUnits) => quantity > 0
const unitsOf = (some: readonly { readonly lines: readonly LineUnits[] }[], line: number) =>
  some
    .flatMap(({ lines }) => lines)
    .reduce((sum, each) => sum + (each.line === line ? each.quantity : 0), 0)

function left(
  state: OrderState,
  { shipment_id, lines }: Omit<Parcel, 'has_left'>,
  status: OrderState['status'],
): Order {
  const others = state.parcels.filter((each) => each.shipment_id !== shipment_id)
  return {
    ...state,
    status,
    lines: counted(state.lines, 'shipped_quantity', lines),
    parcels: [...others, { shipment_id, lines, has_left: true }],
  }
}

type Change = {
  readonly return_id: string
  readonly change: 'requested' | 'received' | 'closed'
  readonly lines: readonly LineUnits[]
  readonly amount_minor: number
  readonly withheld?: readonly LineRefund[]
}

function returning(state: OrderState, data: Change): Order {
  const { return_id, change, lines, amount_minor, withheld: kept = [] } = data
  const others = state.returns.filter((each) => each.return_id !== return_id)
  if (change === 'requested') return { ...state, returns: [...others, { return_id, lines }] }
  if (change === 'closed') return { ...state, returns: others }
  const awaited = state.returns.find((each) => each.return_id === return_id)?.lines ?? []
  const rest = lessen(awaited, lines)
  return {
    ...state,
    returned_minor: state.returned_minor + amount_minor,
    lines: withheld(counted(state.lines, 'returned_quantity', lines), kept, 1),
    returns: rest.length === 0 ? others : [...others, { return_id, lines: rest }],
  }
}

function lessen(units: readonly LineUnits[], gone: readonly LineUnits[]): readonly LineUnits[] {
  return units
    .map(({ line, quantity }) => ({
      line,
      quantity: quantity - unitsOf([{ lines: gone }], line),
    }))
    .filter(isSome)
}

function existing(state: Order): OrderState {
  if (state === null) throw new Error('an order that was never created has changed')
  return state
}
