// Weeks of days, by the day that they begin on.

const WEEK_STARTS = ['monday', 'sunday', 'saturday'] as const
export type WeekStarts = (typeof WEEK_STARTS)[number]

/** As `getUTCDay` counts. */
const FIRST: Readonly<Record<WeekStarts, number>> = { monday: 1, sunday: 0, saturday: 6 }
const DAY_MS = 86_400_000

const dateOf = (isoDay: string) => new Date(`${isoDay}T00:00:00.000Z`)
const dayOf = (date: Date) => date.toISOString().slice(0, 10)

export function weekBegin(isoDay: string, starts: WeekStarts): string {
  const date = dateOf(isoDay)
  const into = (date.getUTCDay() - FIRST[starts] + 7) % 7
  return dayOf(new Date(date.getTime() - into * DAY_MS))
}

/**
 * ISO 8601 names weeks that begin on Monday: `2010-12-01` lies in `2010-W48`, and the year is the
 * one of its Thursday. Other weeks are named by the day they begin on.
 */
export function weekOf(isoDay: string, starts: WeekStarts = 'monday'): string {
  const begin = weekBegin(isoDay, starts)
  if (starts !== 'monday') return begin
  const thursday = new Date(dateOf(begin).getTime() + 3 * DAY_MS)
  const year = thursday.getUTCFullYear()
  const days = (thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS
  return `${year}-W${String(Math.floor(days / 7) + 1).padStart(2, '0')}`
}
