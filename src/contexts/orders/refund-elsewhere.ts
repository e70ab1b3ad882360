// Money that was taken elsewhere and is given back there: a person says so, under the reference it
// has there. Never more than is owed, and each reference once.
import {
  operationId,
  type PaymentState,
  payment,
  paymentStatus,
} from '#contexts/payments/public.ts'
import {
  type Accepted,
  type Asked,
  accept,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { decimalNumber, exponentOf, scaled } from '#kernel/money.ts'
import { stepStatus } from '#kernel/saga.ts'
import { AUTHORIZE } from './fulfilment.ts'
import {
  closeBook,
  type OrderBook,
  openBook,
  orderOf,
  paymentDraft,
  paymentOf,
  sagaOf,
} from './order-book.ts'
import { payerOf } from './order-events.ts'
import { noteOwedElsewhere } from './order-money.ts'

export type GivenBack = {
  readonly payment_id: string
  /** Absent: all that is owed, or what the lines come to. */
  readonly amount?: string | undefined
  readonly reference?: string | undefined
  readonly reason?: string | undefined
}
/** What else the order owes by it, decided in the same append; gives how much that comes to. */
export type Grant = (book: OrderBook) => number | Rejected

/** The payment must have been read, and was taken elsewhere. */
export function refundElsewhere(
  { payment_id, amount, reference, reason }: GivenBack,
  given: Given,
  moment: Moment,
  grant?: Grant,
): Decision {
  if (reference === undefined) return invalid({ reference: REQUIRED })
  const opened = openPaid(given, payment_id, moment)
  if (!('order' in opened)) return opened
  const earlier = stateOf(opened).given_back.find((one) => one.reference === reference)
  const told = amount === undefined ? null : scaled(amount, exponentOf(stateOf(opened).currency))
  if (told?.ok === false) return invalid({ amount: told.reason })
  if (earlier !== undefined)
    return told === null || told.value === earlier.amount_minor
      ? accept([], answerOf(opened, earlier))
      : reject('already_exists', 'Another amount was given back under this reference.')
  const granted = grant?.(opened)
  if (typeof granted === 'object') return granted
  noteOwedElsewhere(opened)
  const state = stateOf(opened)
  const amount_minor = told?.value ?? granted ?? state.owed_back_minor
  const no = objection(state, amount_minor)
  if (no !== null) return no
  const operation_id = operationId(payment_id, 'refund', state.operations + 1)
  const refund = { operation_id, amount_minor, reference }
  const { order_id, currency } = state
  const why = reason === undefined ? {} : { reason }
  const payer_id = payerOf({ ...orderOf(opened), order_id })
  const about = { payment_id, order_id, currency, payer_id }
  opened.payment!.emit('PaymentRefunded', { ...about, ...refund, ...why })
  undone(opened)
  return paymentFirst(closeBook(opened, answerOf(opened, refund)), payment_id)
}
const REQUIRED = 'is required: the payment was taken elsewhere, and is given back there'

function openPaid(given: Given, paymentId: string, moment: Moment): OrderBook | Asked | Rejected {
  const { order_id } = given.state(payment.at(paymentId))!
  const book = openBook(given, order_id, moment)
  // An order that is gone may have been paid elsewhere again.
  return 'order' in book ? { ...book, payment: paymentDraft(given, paymentId, moment.now) } : book
}

function objection(state: PaymentState, amountMinor: number): Rejected | null {
  const { owed_back_minor, currency } = state
  const shown = (minor: number) => decimalNumber(minor, exponentOf(currency))
  if (owed_back_minor <= 0)
    return reject('invalid_state', 'Nothing of the payment is owed back.', {
      details: { status: paymentStatus(state) },
    })
  if (amountMinor <= 0) return invalid({ amount: 'must be more than zero' })
  if (amountMinor <= owed_back_minor) return null
  return reject('amount_exceeds_captured', 'No more can be given back than is owed.', {
    details: { currency, limit: shown(owed_back_minor), requested: shown(amountMinor) },
  })
}

/** All of a cancelled order's money is back: nobody has to look at its saga any more. */
function undone(book: OrderBook): void {
  const { saga, moment } = book
  const state = sagaOf(book)
  if (stateOf(book).owed_back_minor > 0) return
  if (!state.needs_attention || stepStatus(state, AUTHORIZE) !== 'FAILED') return
  saga.emit('SagaResolved', {
    ...{ saga_id: saga.id, step: AUTHORIZE, reason: 'given back where it was taken' },
    by: moment.user_id ?? moment.source,
  })
}

function stateOf(book: OrderBook): PaymentState {
  const state = paymentOf(book)
  if (state === null) throw new Error(`order ${book.order_id} has no payment`)
  return state
}

type Refund = { readonly operation_id: string; readonly amount_minor: number }
function answerOf(book: OrderBook, { operation_id, amount_minor }: Refund): Accepted['response'] {
  const state = stateOf(book)
  const { order_id, currency } = state
  const about = { payment_id: book.payment!.id, order_id, operation_id, amount_minor, currency }
  return { ...about, status: paymentStatus(state) }
}

/** Its version is answered. */
export function paymentFirst({ writes, ...closed }: Accepted, paymentId: string): Accepted {
  const own = payment.at(paymentId).stream
  const rank = ({ stream }: { readonly stream: string }) => (stream === own ? 0 : 1)
  return { ...closed, writes: [...writes].sort((a, b) => rank(a) - rank(b)) }
}
