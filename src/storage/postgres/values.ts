// How PostgreSQL's values become ours: whole numbers as numbers, instants as ISO 8601 with
// milliseconds, JSON as its text (whoever reads it knows how much of it to parse).
import pg from 'pg'

const INT8 = 20
const JSON_TEXT = 114
const JSONB = 3802
const DATE = 1082
const TIMESTAMPTZ = 1184
const NUMERIC = 1700

const asIs = (text: string) => text

/** Positions, versions and sums are 64 bits wide there; here they are exact up to 2^53 - 1. */
function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is beyond 2^53 - 1`)
  return value
}

/** `2026-11-21 07:06:57.12+00` (sessions run in UTC) to `2026-11-21T07:06:57.120Z`. */
export function instantFrom(text: string): string {
  const [, day, time, fraction = ''] =
    /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,3})\d*)?\+00$/.exec(text) ?? []
  if (day === undefined) throw new RangeError(`${text} is not an instant in UTC`)
  return `${day}T${time}.${fraction.padEnd(3, '0')}Z`
}

const parsers = new Map<number, (text: string) => unknown>([
  [INT8, safeInteger],
  [NUMERIC, safeInteger],
  [JSON_TEXT, asIs],
  [JSONB, asIs],
  [DATE, asIs],
  [TIMESTAMPTZ, instantFrom],
])

export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) ||
    pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}
