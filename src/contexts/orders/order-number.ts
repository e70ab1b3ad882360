// Order numbers for people, `ORD-2026-001`: unique by a claim, with gaps, in the shop's own format.

/** `{yyyy}`, `{mm}`, `{dd}` of the day it was placed (UTC), `{seq}` or `{seq:3}` for the number. */
export function orderNumber(format: unknown, number: number, placedAt: string): string {
  const pattern = typeof format === 'string' ? format : STANDARD
  const [yyyy = '', mm = '', dd = ''] = placedAt.slice(0, 10).split('-')
  const parts: Readonly<Record<string, string>> = { yyyy, mm, dd, seq: String(number) }
  return pattern.replace(/\{(yyyy|mm|dd|seq)(?::([0-9]+))?\}/g, (_, part: string, width = '0') =>
    (parts[part] ?? '').padStart(Number(width), '0'),
  )
}
const STANDARD = 'ORD-{yyyy}-{seq:3}'
