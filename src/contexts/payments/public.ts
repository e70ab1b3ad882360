// The door of payments: their state, what may be asked of them, and the port to the provider.
export type { CaptureMoment, Operation, OperationKind, Payment, PaymentState } from './payment.ts'
export { payment } from './payment.ts'
export {
  capturable,
  failed,
  GIVEN_UP,
  objection,
  operationId,
  paymentIdOf,
  paymentStatus,
  refundable,
  requested,
  succeeded,
  unsettled,
} from './payment-operations.ts'
export { requestAnswer, requestByHand } from './payment-requests.ts'
export type { PaymentRow } from './payment-views.ts'
export { EXTERNAL, payments } from './payment-views.ts'
export { CALL_TIMEOUT_MS, recordOutcome } from './pending-operations.ts'
export type {
  Absent,
  AuthorizeRequest,
  FollowUp,
  Notice,
  PaymentAnswer,
  PaymentProvider,
} from './provider.ts'
export type { Call } from './provider-calls.ts'
export { callProvider, within } from './provider-calls.ts'
