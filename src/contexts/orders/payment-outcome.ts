// What the provider answered, and what follows from it: the payment, the order and its saga move in
// one append. An answer to anything but the operation under way is late, or told twice, and changes
// nothing.
import {
  failed,
  type Operation,
  type PaymentState,
  payment,
  succeeded,
  unsettled,
} from '#contexts/payments/public.ts'
import {
  type Asked,
  accept,
  command,
  type Decision,
  type Given,
  type Moment,
  type Rejected,
} from '#kernel/decider.ts'
import { awaits, failedTry } from '#kernel/saga.ts'
import { flag, type Infer, id, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { startCompensation, undoRest } from './compensation.ts'
import { AUTHORIZE, requestLabel, runs } from './fulfilment.ts'
import {
  bookRefs,
  closeBook,
  type OrderBook,
  openBook,
  type PaymentDraft,
  sagaOf,
} from './order-book.ts'
import { owedAgain, settleExcess, settleMoney } from './order-money.ts'

const TEXT_MAX = 2_000
const input = object({
  payment_id: id(),
  order_id: id(),
  operation_id: id(),
  status: oneOf(['succeeded', 'declined', 'unknown', 'absent']),
  reference: optional(nullable(text())),
  reason: optional(text({ min: 0, max: TEXT_MAX })),
  error: optional(text({ min: 0, max: TEXT_MAX })),
})
type Outcome = Infer<typeof input>

export const recordPaymentOutcome = command({
  type: 'RecordPaymentOutcome',
  input,
  reads: ({ payment_id, order_id }) => [payment.at(payment_id), ...bookRefs(order_id)],
  decide: (outcome, given, moment) => decide(outcome, given, moment),
  answer: object({ payment_id: id(), order_id: id(), has_effect: flag() }),
})

function decide(outcome: Outcome, given: Given, moment: Moment): Decision {
  const { payment_id, order_id, operation_id } = outcome
  const book = openBook(given, order_id, moment)
  if (!('order' in book)) return book
  const answer = { payment_id, order_id }
  const state = book.payment?.id === payment_id ? book.payment.state() : null
  const operation = state?.pending ?? null
  if (book.payment === null || state === null || operation?.operation_id !== operation_id)
    return accept([], { ...answer, has_effect: false })
  const trouble = settle(book, book.payment, { state, operation }, outcome)
  return trouble ?? closeBook(book, { ...answer, has_effect: true })
}

type Pending = { readonly state: PaymentState; readonly operation: Operation }

function settle(
  book: OrderBook,
  draft: PaymentDraft,
  { state, operation }: Pending,
  { status, reference = null, reason, error }: Outcome,
): Asked | Rejected | null {
  if (status === 'unknown') return unknown(book, draft, { state, operation }, error || 'no answer')
  if (status === 'succeeded') {
    const isFirstCapture = operation.kind === 'capture' && state.captured_minor === 0
    draft.add(succeeded(draft.id, state, operation, reference))
    if (isFirstCapture) processed(book, draft.id, state, operation.amount_minor)
    // A part that somebody captured was meant as a part; shipments may have come in between.
    settleMoney(book, state.capture_on === 'ship')
    return operation.kind === 'authorize' ? authorized(book) : undoRest(book)
  }
  const why = status === 'absent' ? 'not_carried_out' : reason || 'declined'
  draft.add(failed(draft.id, state, operation, why))
  return operation.kind === 'authorize' ? refused(book, why) : refusedLater(book, operation, why)
}

/** Once per payment: when its money is taken. */
function processed(
  { order, order_id }: OrderBook,
  payment_id: string,
  { currency, payment_method }: PaymentState,
  amount_minor: number,
): void {
  order.emit('PaymentProcessed', { order_id, payment_id, amount_minor, currency, payment_method })
}

function unknown(
  book: OrderBook,
  draft: PaymentDraft,
  { state, operation }: Pending,
  error: string,
): Asked | Rejected | null {
  const { saga, moment } = book
  if (operation.driver === 'payment') {
    draft.add(unsettled(draft.id, state, operation, error, moment))
    return null
  }
  const known = sagaOf(book)
  if (!awaits(known, operation.operation_id)) return null
  saga.add(failedTry(saga.id, known, error, moment))
  if (!isOver(book)) return null
  // Whether it happened is still not known: the way back begins by asking.
  return startCompensation(book, { cause: 'payment_timeout' })
}

/** Going forward has had its time. There is no time limit on the way back. */
export const isOver = (book: OrderBook): boolean => {
  const { status, deadline_at } = sagaOf(book)
  return status === 'RUNNING' && deadline_at !== null && deadline_at <= book.moment.now
}

function authorized(book: OrderBook): Asked | Rejected | null {
  if (!runs(book, AUTHORIZE)) return undoRest(book)
  requestLabel(book)
  return null
}

function refused(book: OrderBook, why: string): Asked | Rejected | null {
  const { saga } = book
  if (!runs(book, AUTHORIZE)) return undoRest(book)
  saga.emit('SagaStepFailed', {
    saga_id: saga.id,
    step: AUTHORIZE,
    attempt: sagaOf(book).attempts + 1,
    error: why,
    next_attempt_at: null,
  })
  return startCompensation(book, { cause: 'payment_declined' })
}

/** The way back was refused for certain: tried anew, under a new operation, after a pause. */
function refusedLater(
  book: OrderBook,
  { driver, operation_id, is_owed, attempts }: Operation,
  why: string,
): Asked | Rejected | null {
  const { saga, moment } = book
  const known = sagaOf(book)
  if (is_owed === true) owedAgain(book, attempts + 1)
  else settleExcess(book)
  if (driver === 'saga' && awaits(known, operation_id))
    saga.add(failedTry(saga.id, known, why, moment))
  return undoRest(book)
}
