// The day in a store, around midnight and where clocks change.
import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { businessDay } from './business-day.ts'

test("a day begins at the store's midnight, also where clocks change", () => {
  const days = [
    ['2026-03-28T23:30:00.000Z', 'UTC', '2026-03-28'],
    ['2026-03-28T23:30:00.000Z', 'Europe/Berlin', '2026-03-29'],
    ['2026-03-29T22:30:00.000Z', 'Europe/Berlin', '2026-03-30'],
    ['2026-03-29T21:59:59.999Z', 'Europe/Berlin', '2026-03-29'],
    ['2026-10-25T22:59:59.999Z', 'Europe/Berlin', '2026-10-25'],
    ['2026-10-25T23:00:00.000Z', 'Europe/Berlin', '2026-10-26'],
    ['2026-01-01T04:59:00.000Z', 'America/New_York', '2025-12-31'],
    ['2025-12-31T10:00:00.000Z', 'Pacific/Kiritimati', '2026-01-01'],
    ['2026-06-01T18:30:00.000Z', 'Asia/Kolkata', '2026-06-02'],
  ] as const
  deepEqual(
    days.map(([instant, zone]) => businessDay(instant, zone)),
    days.map(([, , day]) => day),
  )
  // Mistyped years are days as well.
  deepEqual(
    [
      businessDay('0206-03-02T01:00:00.000Z', 'America/New_York'),
      businessDay('0001-01-01T00:00:00.000Z', 'America/New_York'),
      businessDay('0001-12-31T12:00:00.000Z', 'America/New_York'),
      businessDay('0001-01-01T00:00:00.000Z', 'Asia/Tokyo'),
      businessDay('9999-12-31T23:59:59.999Z', 'Asia/Tokyo'),
    ],
    ['0206-03-01', '0001-01-01', '0001-12-31', '0001-01-01', '9999-12-31'],
  )
  throws(() => businessDay('2026-01-01T00:00:00.000Z', 'Nowhere/Atlantis'), RangeError)
})
