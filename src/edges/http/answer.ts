// What every endpoint gives back, whatever it was asked: a status, a text, and headers beside the
// usual.

import type { Readable } from 'node:stream'

export type Answer = {
  readonly status: number
  /** Absent: JSON. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly text: string
  /** Goes before `text`: too long to be held as a whole. */
  readonly stream?: Readable
}
