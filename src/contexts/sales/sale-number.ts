// The numbers on receipts, `main-main-20261121-0007`: each register counts for itself, anew
// wherever the format's date makes another series.
import { MAIN_STORE_ALIAS, MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Register } from './register.ts'

export type Numbered = {
  readonly series: string
  readonly number: number
  /** As it is printed. */
  readonly document_number: string
}
type Place = { readonly store_id: string; readonly register_id: string; readonly day: string }

export const SALE_FORMAT = '{store}-{register}-{yyyy}{mm}{dd}-{seq:4}'
export const REFUND_FORMAT = 'R-{store}-{register}-{yyyy}{mm}{dd}-{seq:4}'

/** The next number of this register in the series that the format makes of that day. */
export function nextNumber(format: unknown, standard: string, at: Place, state: Register) {
  const pattern = typeof format === 'string' ? format : standard
  const series = filled(pattern, at, null)
  const last = state.counters.find((each) => each.series === series)?.last ?? 0
  const number = last + 1
  return { series, number, document_number: filled(pattern, at, number) } satisfies Numbered
}

const PART = /\{(store|register|yyyy|mm|dd|seq)(?::([0-9]+))?\}/g

/** null: the number's place stays open, which names the series. */
function filled(pattern: string, { store_id, register_id, day }: Place, number: number | null) {
  const [yyyy = '', mm = '', dd = ''] = day.split('-')
  const store = store_id === MAIN_STORE_ID ? MAIN_STORE_ALIAS : store_id
  const parts: Readonly<Record<string, string>> = { store, register: register_id, yyyy, mm, dd }
  return pattern.replace(PART, (whole, part: string, width = '0') => {
    if (part !== 'seq') return parts[part]!
    return number === null ? whole : String(number).padStart(Number(width), '0')
  })
}
