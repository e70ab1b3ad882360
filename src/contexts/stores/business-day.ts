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
  const day = format.format(new Date(instant))
  return day.length === FIRST.length ? day : farDay(day, instant)
}

const [FIRST, LAST, BEFORE] = ['0001-01-01', '9999-12-31', '0001-12-31'] as const

/** Years before 1000 are told without their zeros; days outside the calendar are its ends. */
function farDay(day: string, instant: string): string {
  if (day.length > LAST.length) return LAST
  const padded = day.padStart(FIRST.length, '0')
  return padded === BEFORE && instant.startsWith(FIRST) ? FIRST : padded
}
