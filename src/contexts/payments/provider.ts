// The payment provider, as this shop needs it. Whoever moves the money implements it; every call
// has an operation_id that is in the log before the call and is the provider's idempotency key.

export type PaymentProvider = {
  readonly name: string
  /** Sets the amount aside. */
  authorize(request: AuthorizeRequest): Promise<PaymentAnswer>
  /** Takes the money, or a part of it. */
  capture(request: FollowUp): Promise<PaymentAnswer>
  /** Lets go of what was set aside. */
  void(request: FollowUp): Promise<PaymentAnswer>
  /** Gives back what was taken, or a part of it. */
  refund(request: FollowUp): Promise<PaymentAnswer>
  /**
   * What became of an operation. `absent` is a promise: it was never carried out, and an earlier
   * call under this id can no longer take effect. A provider that cannot promise it yet answers
   * `unknown`.
   */
  find(operationId: string): Promise<PaymentAnswer | Absent>
  /** Whether a notice really comes from the provider. */
  isAuthentic(notice: Notice): boolean
}

export type AuthorizeRequest = {
  readonly operation_id: string
  readonly payment_id: string
  readonly order_id: string
  readonly amount_minor: number
  readonly currency: string
  readonly payment_method: string
  /** What the payer's device was given by the provider in place of card data. */
  readonly token: string | null
}
export type FollowUp = {
  readonly operation_id: string
  /** The provider's own name of the authorization. */
  readonly reference: string
  readonly amount_minor: number
  readonly currency: string
}

export type PaymentAnswer =
  | { readonly status: 'succeeded'; readonly reference: string }
  /** For certain, and for good: the same operation will never succeed. */
  | { readonly status: 'declined'; readonly reason: string }
  /** A time-out, a broken connection, a server's error: it may or may not have happened. */
  | { readonly status: 'unknown'; readonly error: string }
export type Absent = { readonly status: 'absent' }

export type Notice = { readonly operation_id: string; readonly signature: string }
