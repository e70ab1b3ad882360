// What operators may do to an order's saga, and the wake-up of one that waits for something inside.

import { failed, GIVEN_UP, operationId } from '#contexts/payments/public.ts'
import {
  accept,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  reject,
} from '#kernel/decider.ts'
import {
  currentStep,
  failedTry,
  SAGA_OUTCOMES,
  SAGA_STATUSES,
  stepStatus,
  triedAgain,
} from '#kernel/saga.ts'
import { id, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { cancelled } from './cancel-order.ts'
import { release, unwind } from './compensation.ts'
import { RESERVE } from './fulfilment.ts'
import { bookRefs, closeBook, type OrderBook, openBook, sagaOf } from './order-book.ts'
import { REASON_MAX } from './order-events.ts'

const answer = object({
  saga_id: id(),
  status: oneOf(SAGA_STATUSES),
  outcome: nullable(oneOf(SAGA_OUTCOMES)),
  next_attempt_at: nullable(text()),
})
const sagaAnswer = (book: OrderBook) => {
  const { status, outcome, next_attempt_at } = sagaOf(book)
  return { saga_id: book.order_id, status, outcome, next_attempt_at }
}
const ADMIN = '/api/v1/admin/sagas/:saga_id'
const words = {
  reason: text({ max: REASON_MAX }),
  by: optional(
    text({ max: 200, description: 'Who says so; absent: `user_id`.', example: 'marta' }),
  ),
}

export const continueSaga = command({
  type: 'ContinueSaga',
  input: object({ saga_id: id() }),
  reads: ({ saga_id }) => bookRefs(saga_id),
  decide: ({ saga_id }, given, moment) => {
    const book = openBook(given, saga_id, moment)
    if (!('order' in book)) return book
    const before = sagaOf(book)
    if (before.status !== 'COMPENSATING' || before.operation_id !== null)
      return accept([], sagaAnswer(book))
    const trouble = unwind(book)
    if (trouble !== null) return trouble
    // Nothing has changed: whatever it waits for is still under way.
    if (book.saga.state() === before)
      book.saga.add(failedTry(saga_id, before, `waits for ${before.waiting_for}`, moment))
    return closeBook(book, sagaAnswer(book))
  },
  answer,
})

export const retrySaga = command({
  type: 'RetrySaga',
  input: object({ saga_id: id() }),
  reads: ({ saga_id }) => bookRefs(saga_id),
  decide: ({ saga_id }, given, moment) => {
    const book = openBook(given, saga_id, moment)
    if (!('order' in book)) return book
    const state = sagaOf(book)
    if (state.next_attempt_at === null)
      return reject('invalid_state', `The saga is ${state.status} and has nothing to try again.`, {
        details: { status: state.status, waiting_for: state.waiting_for },
      })
    book.saga.add(triedAgain(saga_id, state, moment.now))
    return closeBook(book, sagaAnswer(book))
  },
  answer,
  route: {
    method: 'POST',
    path: `${ADMIN}/retry`,
    tag: 'sagas',
    summary: 'Tries the current step again now, under the same operation',
  },
})

export const compensateSaga = command({
  type: 'CompensateSaga',
  input: object({ saga_id: id(), ...words }),
  reads: ({ saga_id }) => bookRefs(saga_id),
  decide: ({ saga_id, reason }, given, moment) => {
    const decision = cancelled(given, saga_id, moment, { cause: 'operator', reason })
    if (!('accepted' in decision)) return decision
    return { ...decision, response: { saga_id, status: decision.response.saga_status } }
  },
  answer: object({ saga_id: id(), status: oneOf(SAGA_STATUSES) }),
  route: {
    method: 'POST',
    path: `${ADMIN}/compensate`,
    tag: 'sagas',
    summary: 'Gives the order up and undoes what was done',
  },
})

export const resolveSaga = command({
  type: 'ResolveSaga',
  input: object({ saga_id: id(), ...words }),
  reads: ({ saga_id }) => bookRefs(saga_id),
  decide: ({ saga_id, reason, by }, given, moment) =>
    resolve(given, saga_id, moment, { reason, by: by ?? moment.user_id }),
  answer,
  route: {
    method: 'POST',
    path: `${ADMIN}/resolve`,
    tag: 'sagas',
    summary: 'Says that a person has dealt with what the machine could not undo',
  },
})

function resolve(
  given: Given,
  sagaId: string,
  moment: Moment,
  { reason, by }: { reason: string; by: string | undefined },
): Decision {
  if (by === undefined) return invalid({ by: 'is required, or user_id' })
  const book = openBook(given, sagaId, moment)
  if (!('order' in book)) return book
  const state = sagaOf(book)
  if (!state.needs_attention || state.status === 'RUNNING')
    return reject('invalid_state', 'Only a saga that cannot finish its way back can be resolved.', {
      details: { status: state.status, outcome: state.outcome },
    })
  giveUp(book)
  // Stock is ours to give back, whatever became of the rest.
  if (stepStatus(state, RESERVE) === 'SUCCEEDED') {
    const trouble = release(book, 'released')
    if (trouble !== null) return trouble
    book.saga.emit('SagaStepCompensated', { saga_id: sagaId, step: RESERVE })
  }
  const step = currentStep(state)
  book.saga.emit('SagaResolved', { saga_id: sagaId, step, reason, by })
  return closeBook(book, sagaAnswer(book))
}

/** The books do not claim that money or parcels moved; they say that nobody will try any more. */
function giveUp({ payment, shipment, order_id }: OrderBook): void {
  const paid = payment?.state() ?? null
  if (payment !== null && paid !== null && paid.pending !== null)
    payment.add(failed(payment.id, paid, paid.pending, GIVEN_UP))
  else if (payment !== null && paid !== null && paid.owed_back_minor > 0) {
    const operation_id = operationId(payment.id, 'refund', paid.operations + 1)
    const amount_minor = paid.owed_back_minor
    payment.add(failed(payment.id, paid, { kind: 'refund', operation_id, amount_minor }, GIVEN_UP))
  }
  const parcel = shipment.state()
  if (parcel === null || parcel.pending === null) return
  const { kind, operation_id } = parcel.pending
  const about = { shipment_id: shipment.id, order_id }
  shipment.emit('ShipmentOperationFailed', {
    ...about,
    operation_id,
    operation: kind,
    reason: 'resolved_manually',
  })
}
