// The carrier, as this shop needs it. Every call has an operation_id that is in the log before the
// call and is the carrier's idempotency key.

export type Carrier = {
  readonly name: string
  createLabel(request: LabelRequest): Promise<CarrierAnswer>
  /** The parcel will not come. */
  cancelLabel(request: LabelCancellation): Promise<CarrierAnswer>
  /**
   * What became of an operation. `absent` is a promise: it was never carried out, and an earlier
   * call under this id can no longer take effect. A carrier that cannot promise it yet answers
   * `unknown`.
   */
  find(operationId: string): Promise<CarrierAnswer | { readonly status: 'absent' }>
}

export type LabelRequest = {
  readonly operation_id: string
  readonly shipment_id: string
  readonly order_id: string
  readonly store_id: string
  /**
   * Read only when the carrier asks: the log keeps it sealed. null: none was given, or forgotten.
   */
  address(): Promise<Readonly<Record<string, unknown>> | null>
}
export type LabelCancellation = {
  readonly operation_id: string
  readonly shipment_id: string
  readonly tracking_number: string
}

export type CarrierAnswer =
  | { readonly status: 'succeeded'; readonly tracking_number: string; readonly carrier: string }
  /** For certain, and for good: the same operation will never succeed. */
  | { readonly status: 'declined'; readonly reason: string }
  /** A time-out, a broken connection, a server's error: it may or may not have happened. */
  | { readonly status: 'unknown'; readonly error: string }
