// Which day it is in a store: what its reports are kept by.

const formats = new Map<string, Intl.DateTimeFormat>()

/** The day (`2026-03-29`) that an instant falls on in this IANA time zone. */
export function businessDay(instant: string, timezone: string): string {
  if (timezone === 'UTC') return instant.slice(0, 10)
  let format = formats.get(timezone)
  if (format === undefined) {
    // Swedish writes days as ISO 8601 does.
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short' })
    formats.set(timezone, format)
  }
  return format.format(new Date(instant))
}
