// Goods have come back: counted, judged, put on the shelf or not, and paid back, in one append.
// What is paid back is what these units had cost, never more than was paid and not given back yet.
import { product } from '#contexts/catalog/public.ts'
import { type Line, stockRefs, takeBack } from '#contexts/inventory/public.ts'
import {
  closeBook,
  counted,
  happenedAt,
  type LinePart,
  lineOf,
  nextPart,
  type OrderBook,
  type OrderState,
  openBook,
  orderOf,
  owedBackMinor,
  paymentOf,
  returnStatus,
  settleMoney,
  summedUnits,
  toldLine,
  unitsRead,
} from '#contexts/orders/public.ts'
import { totalsOf } from '#contexts/pricing/public.ts'
import { businessDay, store, storeState } from '#contexts/stores/public.ts'
import {
  type Asked,
  ask,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import type { Instant } from '#kernel/message.ts'
import { decimalNumber } from '#kernel/money.ts'
import {
  flag,
  type Infer,
  id,
  instant,
  list,
  money,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { stateAfter } from '#kernel/state-after.ts'
import { openReturn } from './open-return.ts'
import { returnAnswer } from './request-return.ts'
import { type ReturnState, returned } from './return.ts'

const LINES_MAX = 1_500
const input = object({
  return_id: id(),
  lines: list(
    object({
      ...toldLine.properties,
      damaged: optional(flag({ description: 'Not to be sold again.' })),
      restock: optional(flag({ description: 'Absent: what is not damaged goes back in stock.' })),
    }),
    { min: 1, max: LINES_MAX },
  ),
  refund: optional(flag({ description: 'Absent: what came back is paid back.' })),
  received_at: optional(instant()),
})
type Input = Infer<typeof input>

export const receiveReturn = command({
  type: 'ReceiveReturn',
  input,
  reads: ({ return_id }) => [returned.at(return_id)],
  decide,
  answer: object({
    ...returnAnswer.properties,
    currency: text(),
    total_amount_minor: money(),
    refund_minor: money(),
  }),
  route: {
    method: 'POST',
    path: '/api/v1/returns/:return_id/receive',
    tag: 'returns',
    summary: 'Goods of a return have arrived: puts them in stock and pays them back',
  },
})

function decide(told: Input, given: Given, moment: Moment): Decision {
  const { return_id } = told
  const state = openReturn(given, return_id)
  if ('rejected' in state) return state
  const book = openBook(given, state.order_id, moment)
  if (!('order' in book)) return book
  const order = orderOf(book)
  const lacking = given.lacking([store.seen(order.store_id)])
  if (lacking.length > 0) return ask(lacking)
  const received_at = happenedAt(told.received_at, moment)
  if (received_at > moment.now) return invalid({ received_at: 'is in the future' })
  const arrived = arrivedLines(told.lines, state, order)
  if ('rejected' in arrived) return arrived
  // Now is after all that is in the book, whatever this clock says; only what is earlier is told.
  const at = received_at < moment.now ? received_at : undefined
  const stocked = restock(given, { arrived, order, return_id, at })
  if ('ask' in stocked) return stocked

  const refunds = told.refund !== false
  const { amount_minor: total_amount_minor, ...taxed } = totalsOf(arrived)
  const refund_minor = noted(book, return_id, arrived, refunds)
  const { customer_id, country, currency, store_id, payment_id } = order
  const timezone = storeState(given, store_id)?.timezone ?? 'UTC'
  const event = returned.event(
    'ReturnReceived',
    {
      ...{ return_id, order_id: state.order_id, customer_id, country, currency, store_id },
      lines: [...arrived],
      total_amount_minor,
      ...taxed,
      refund_minor,
      payment_id: refund_minor > 0 ? payment_id : null,
      business_day: businessDay(received_at, timezone),
      received_at,
    },
    received_at,
  )
  settleMoney(book)
  book.beside.push(...stocked.writes)
  const write = returned.write(return_id, [event])
  const { status } = stateAfter(given, returned.at(return_id), [write])!
  const about = { return_id, order_id: state.order_id, status, currency }
  const closed = closeBook(book, { ...about, total_amount_minor, refund_minor })
  return { ...closed, writes: [write, ...closed.writes] }
}

type Arrived = LinePart & { readonly restocked: boolean; readonly damaged: boolean }

/** Each as it was told, with what it had cost: the next units of its line. */
function arrivedLines(
  told: Input['lines'],
  { lines: awaited }: NonNullable<ReturnState>,
  order: OrderState,
): Arrived[] | Rejected {
  const units = unitsRead(order, told)
  if ('rejected' in units) return units
  const wrong = told.findIndex(({ damaged, restock }) => damaged === true && restock === true)
  if (wrong >= 0) return invalid({ [`lines.${wrong}.restock`]: 'must be false for damaged goods' })
  const over = summedUnits(units).filter(({ line, quantity }) => {
    const wanted = awaited.find((each) => each.line === line)
    return quantity > (wanted?.quantity ?? 0) - (wanted?.received ?? 0)
  })
  if (over.length > 0)
    return reject('business_rule_violated', 'More has arrived than was to come back.', {
      details: {
        lines: over.map(({ line, quantity }) => ({
          line,
          received: decimalNumber(quantity, lineOf(order, line)!.quantity_scale),
        })),
      },
    })
  const lines = new Map(order.lines.map((each) => [each.line, each]))
  return units.map((one, i) => {
    const { damaged = false, restock = !damaged } = told[i]!
    const line = lines.get(one.line)!
    lines.set(one.line, counted([line], 'returned_quantity', [one])[0]!)
    return { ...nextPart(line, one.quantity), restocked: restock, damaged }
  })
}

type Restock = {
  readonly arrived: readonly Arrived[]
  readonly order: OrderState
  readonly return_id: string
  readonly at: Instant | undefined
}

function restock(given: Given, { arrived, order, return_id, at }: Restock) {
  const lines: Line[] = arrived
    .filter(({ restocked }) => restocked)
    .map(({ product_id, quantity }) => ({ product_id, store_id: order.store_id, quantity }))
  const products = [...new Set(lines.map(({ product_id }) => product.seen(product_id)))]
  const lacking = given.lacking([...stockRefs(lines), ...products])
  return lacking.length > 0
    ? (ask(lacking) as Asked)
    : takeBack(given, { lines, reference: return_id }, at)
}

const refundOf = ({ line, quantity, amount_minor }: LinePart) => ({ line, quantity, amount_minor })

/** In the order's own stream; gives how much more is to be paid back than before. */
function noted(
  book: OrderBook,
  return_id: string,
  arrived: readonly LinePart[],
  refunds: boolean,
): number {
  const payment = paymentOf(book)
  const before = orderOf(book)
  const lines = summedUnits(arrived)
  const { customer_id, currency } = before
  book.order.emit('OrderReturnChanged', {
    ...{ order_id: book.order_id, customer_id, currency, return_id },
    change: 'received',
    lines,
    amount_minor: refunds ? totalsOf(arrived).amount_minor : 0,
    ...(refunds ? {} : { withheld: arrived.map(refundOf) }),
    return_status: returnStatus({ lines: counted(before.lines, 'returned_quantity', lines) }, true),
  })
  if (payment === null) return 0
  return owedBackMinor(orderOf(book), payment) - owedBackMinor(before, payment)
}
