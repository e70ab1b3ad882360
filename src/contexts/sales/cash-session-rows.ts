// One row per cash session: what came in and went out by each tender (X while it is open, Z once it
// is closed), and whether the drawer was right.
import type { DataOf } from '#kernel/event-types.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { type Infer, id, instant, money, nullable, object, text } from '#kernel/schema.ts'
import type { register } from './register.ts'
import { CASH } from './sale.ts'

type Data = DataOf<typeof register.events>

export const tenderTotal = object({
  type: text(),
  currency: text(),
  sales_minor: money(),
  refunds_minor: money(),
  total_minor: money(),
})
export const movement = object({
  amount_minor: money(),
  reason: text(),
  customer_id: nullable(id()),
  user_id: nullable(text()),
  moved_at: instant(),
})
type Total = Infer<typeof tenderTotal>

export type CashSessionRow = {
  readonly session_id: string
  readonly store_id: string
  readonly register_id: string
  readonly status: string
  readonly currency: string
  readonly float_minor: number
  readonly cash_in_minor: number
  readonly cash_out_minor: number
  readonly expected_minor: number
  readonly counted_minor: number | null
  readonly difference_minor: number | null
  readonly sales_count: number
  readonly refunds_count: number
  readonly tenders: readonly Total[]
  readonly movements: readonly Infer<typeof movement>[]
  readonly opened_by: string | null
  readonly closed_by: string | null
  readonly close_reason: string | null
  readonly opened_at: string
  readonly closed_at: string | null
  /** Where in the register's stream it begins and ends, which has all its other sessions too. */
  readonly opened_version: number
  readonly closed_version: number | null
}

const nullableText = { kind: 'text', nullable: true } as const

export const cashSessions = projection<CashSessionRow>({
  name: 'cash_sessions',
  version: 3,
  table: {
    name: 'cash_sessions',
    key: 'session_id',
    columns: {
      session_id: 'text',
      store_id: 'text',
      register_id: 'text',
      status: 'text',
      currency: 'text',
      float_minor: 'money',
      cash_in_minor: 'money',
      cash_out_minor: 'money',
      expected_minor: 'money',
      counted_minor: { kind: 'money', nullable: true },
      difference_minor: { kind: 'money', nullable: true },
      sales_count: 'int',
      refunds_count: 'int',
      tenders: 'json',
      movements: 'json',
      opened_by: nullableText,
      closed_by: nullableText,
      close_reason: nullableText,
      opened_at: 'instant',
      closed_at: { kind: 'instant', nullable: true },
      opened_version: 'int',
      closed_version: { kind: 'int', nullable: true },
    },
    indexes: [['opened_at'], ['store_id', 'register_id', 'opened_at'], ['status', 'opened_at']],
  },
  on: {
    CashSessionOpened: {
      keys: ({ data }) => [data.session_id],
      apply: (_, { data: { user_id, float_minor, ...about }, version }) => ({
        ...about,
        ...{ status: 'OPEN', float_minor, expected_minor: float_minor },
        ...{ cash_in_minor: 0, cash_out_minor: 0, counted_minor: null, difference_minor: null },
        ...{ sales_count: 0, refunds_count: 0, tenders: [], movements: [] },
        ...{ opened_by: user_id, closed_by: null, close_reason: null, closed_at: null },
        ...{ opened_version: version, closed_version: null },
      }),
    },
    CashMoved: changed<Data['CashMoved']>(({ amount_minor, ...moved }, row) => ({
      cash_in_minor: row.cash_in_minor + Math.max(0, amount_minor),
      cash_out_minor: row.cash_out_minor + Math.max(0, -amount_minor),
      expected_minor: row.expected_minor + amount_minor,
      movements: [...row.movements, movedBy(amount_minor, moved)],
    })),
    // Nobody's where no session was open.
    RegisterEntryMade: changed<Data['RegisterEntryMade']>(entered),
    CashSessionClosed: changed<Data['CashSessionClosed']>(
      ({ counted_minor, difference_minor, reason, user_id, closed_at }, _, version) => ({
        ...{ status: 'CLOSED', counted_minor, difference_minor, closed_version: version },
        ...{ closed_by: user_id, close_reason: reason, closed_at },
      }),
    ),
  },
})

const movedBy = (
  amount_minor: number,
  { reason, customer_id = null, user_id, moved_at }: Omit<Data['CashMoved'], 'amount_minor'>,
) => ({ amount_minor, reason, customer_id, user_id, moved_at })

function entered(
  { entry, currency, tenders }: Data['RegisterEntryMade'],
  row: CashSessionRow,
): Partial<CashSessionRow> {
  const isSale = entry === 'sale'
  const cash = tenders.reduce(
    (sum, { type, amount_minor }) => (type === CASH ? sum + amount_minor : sum),
    0,
  )
  return {
    sales_count: row.sales_count + (isSale ? 1 : 0),
    refunds_count: row.refunds_count + (isSale ? 0 : 1),
    expected_minor: row.expected_minor + (currency === row.currency ? cash : 0),
    tenders: tenders.reduce<readonly Total[]>(
      (totals, { type, amount_minor }) => added(totals, { type, currency }, amount_minor, isSale),
      row.tenders,
    ),
  }
}

function added(
  totals: readonly Total[],
  { type, currency }: Pick<Total, 'type' | 'currency'>,
  amount: number,
  isSale: boolean,
): readonly Total[] {
  const at = totals.findIndex((each) => each.type === type && each.currency === currency)
  const none = { type, currency, sales_minor: 0, refunds_minor: 0, total_minor: 0 }
  const total = totals[at] ?? none
  const after = {
    ...total,
    sales_minor: total.sales_minor + (isSale ? amount : 0),
    refunds_minor: total.refunds_minor - (isSale ? 0 : amount),
    total_minor: total.total_minor + amount,
  }
  return at < 0 ? [...totals, after] : totals.with(at, after)
}

function changed<D extends { readonly session_id: string | null }>(
  change: (data: D, row: CashSessionRow, version: number) => Partial<CashSessionRow>,
): Handler<CashSessionRow, D> {
  return {
    keys: ({ data }) => (data.session_id === null ? [] : [data.session_id]),
    apply: (row, { data, version }) => {
      if (row === undefined) throw new Error('a cash session that was never opened has changed')
      return { ...row, ...change(data, row, version) }
    },
  }
}
