// What every endpoint gives back, whatever it was asked: a status, a text, and headers beside the
// usual.

export type Answer = {
  readonly status: number
  /** Absent: JSON. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly text: string
}
