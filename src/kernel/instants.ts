// Instants are texts that compare as such: all in UTC, all with milliseconds.
import type { Instant } from '#kernel/message.ts'

/** In the form in which instants compare, whatever offset it was told in. */
export const inUtc = (told: Instant): Instant => new Date(told).toISOString()

export const later = (at: Instant, ms: number): Instant =>
  new Date(Date.parse(at) + Math.round(ms)).toISOString()
