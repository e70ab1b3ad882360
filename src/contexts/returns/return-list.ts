// Returns, one row each: asked for, under way, arrived; and credits that another book told of. And
// the questions about them.
import { whenErased } from '#contexts/customers/public.ts'
import type { DataOf } from '#kernel/event-types.ts'
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, between, nowOrThen, pageAnswer, rowAnswer } from '#kernel/listing.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Filter, type Handler, projection, type Row } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import {
  day,
  type Infer,
  id,
  integer,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import { RETURN_STATUSES } from './return.ts'
import type { returnEvents } from './return-events.ts'

const line = object({
  line: integer(),
  product_id: nullable(id()),
  code: text(),
  /** Asked for; where it was recorded: as the credit note has it. */
  quantity: quantity(),
  quantity_scale: integer(),
  unit_price_minor: optional(money()),
  amount_minor: money(),
  received_quantity: quantity(),
  restocked_quantity: quantity(),
  damaged_quantity: quantity(),
})
type Line = Infer<typeof line>
type Data = DataOf<typeof returnEvents>

export type ReturnRow = Row & {
  readonly return_id: string
  readonly status: string
  readonly order_id: string | null
  readonly reference: string
  readonly customer_id: string | null
  readonly user_id: string | null
  readonly country: string | null
  readonly currency: string
  readonly store_id: string | null
  readonly lines: readonly Line[]
  /** What has come back. */
  readonly total_amount_minor: number
  /** What is given back for it. */
  readonly refund_minor: number
  readonly payment_id: string | null
  /** null: whose return it was has been forgotten. */
  readonly cause: string | null
  readonly original_order_id: string | null
  /** When it was asked for, or recorded; of what has arrived: when it last did. */
  readonly returned_at: string
  readonly closed_reason: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}

export const returns = projection<ReturnRow>({
  name: 'returns',
  version: 4,
  table: {
    name: 'returns',
    key: 'return_id',
    columns: {
      return_id: 'text',
      status: 'text',
      order_id: { kind: 'text', nullable: true },
      reference: 'text',
      customer_id: { kind: 'text', nullable: true },
      user_id: { kind: 'text', nullable: true },
      country: { kind: 'text', nullable: true },
      currency: 'text',
      store_id: { kind: 'text', nullable: true },
      lines: 'json',
      total_amount_minor: 'money',
      refund_minor: 'money',
      payment_id: { kind: 'text', nullable: true },
      cause: { kind: 'text', nullable: true, personal: true },
      original_order_id: { kind: 'text', nullable: true },
      returned_at: 'instant',
      closed_reason: { kind: 'text', nullable: true, personal: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [
      ['returned_at'],
      ['customer_id', 'returned_at'],
      ['user_id'],
      ['reference'],
      ['order_id'],
      ['status', 'returned_at'],
    ],
  },
  on: {
    ...whenErased<ReturnRow>(
      // What another book tells of a credit is its own word for it, and nobody's.
      (row) => (row.status === 'RECORDED' ? row : { ...row, cause: null, closed_reason: null }),
      'order_id',
    ),
    ReturnRecorded: {
      keys: ({ data }) => [data.return_id],
      apply: (_, event: Recorded<Data['ReturnRecorded']>) => {
        const { business_day: _day, lines, ...rest } = event.data
        return {
          ...begun(event),
          ...rest,
          status: 'RECORDED',
          lines: lines.map((each) => ({ ...each, ...NONE })),
          order_id: rest.original_order_id,
          store_id: null,
          user_id: null,
        }
      },
    },
    ReturnRequested: {
      keys: ({ data }) => [data.return_id],
      apply: (_, event: Recorded<Data['ReturnRequested']>) => {
        const { order_number, reason, requested_at, lines, ...rest } = event.data
        return {
          ...begun(event),
          ...rest,
          user_id: rest.user_id ?? null,
          status: 'REQUESTED',
          reference: order_number,
          lines: lines.map((each) => ({ ...each, amount_minor: 0, ...NONE })),
          total_amount_minor: 0,
          cause: reason,
          original_order_id: rest.order_id,
          returned_at: requested_at,
        }
      },
    },
    ReturnReceived: changing<Data['ReturnReceived']>((data, row) => {
      const lines = row.lines.map((each) => received(each, data.lines))
      const isAll = lines.every((each) => each.received_quantity === each.quantity)
      return {
        lines,
        status: isAll ? 'RECEIVED' : 'PARTIALLY_RECEIVED',
        total_amount_minor: row.total_amount_minor + data.total_amount_minor,
        refund_minor: row.refund_minor + data.refund_minor,
        // Parts that came back without a refund do not unsay what was paid back before.
        payment_id: data.payment_id ?? row.payment_id,
        returned_at: data.received_at,
      }
    }),
    ReturnClosed: changing<Data['ReturnClosed']>(({ reason }) => ({
      status: 'CLOSED',
      closed_reason: reason,
    })),
  },
  sources: (key) => [`return-${key}`],
})

const NONE = { received_quantity: 0, restocked_quantity: 0, damaged_quantity: 0 }

const begun = ({ timestamp, occurred_at, version }: Recorded) => ({
  refund_minor: 0,
  payment_id: null,
  returned_at: occurred_at,
  closed_reason: null,
  created_at: timestamp,
  updated_at: timestamp,
  version,
})

function received(each: Line, arrived: Data['ReturnReceived']['lines']): Line {
  const own = arrived.filter(({ line }) => line === each.line)
  const sum = (some: typeof own) => some.reduce((all, { quantity }) => all + quantity, 0)
  return {
    ...each,
    amount_minor: own.reduce((all, { amount_minor }) => all + amount_minor, each.amount_minor),
    received_quantity: each.received_quantity + sum(own),
    restocked_quantity: each.restocked_quantity + sum(own.filter(({ restocked }) => restocked)),
    damaged_quantity: each.damaged_quantity + sum(own.filter(({ damaged }) => damaged)),
  }
}

function changing<D extends { readonly return_id: string }>(
  change: (data: D, row: ReturnRow) => Partial<ReturnRow>,
): Handler<ReturnRow, D> {
  return {
    keys: ({ data }) => [data.return_id],
    apply: (row, { data, timestamp, version }) => {
      if (row === undefined) throw new Error('a return that was never begun has changed')
      return { ...row, ...change(data, row), updated_at: timestamp, version }
    },
  }
}

const answer = rowAnswer(returns.table, {
  shapes: { status: oneOf(RETURN_STATUSES), lines: list(line) },
})

export const getReturn = query({
  type: 'GetReturn',
  input: object({ return_id: id(), ...asOfFields }),
  run: (input, reader) => nowOrThen(reader, returns, input.return_id, input),
  answer: nullable(answer),
  route: {
    method: 'GET',
    path: '/api/v1/returns/:return_id',
    tag: 'returns',
    summary: 'One return with its lines, now or as it was',
  },
})

const offered = listOf(returns, {
  filters: ['reference', 'status', 'country', 'returned_at', 'total_amount_minor'],
  sort: ['returned_at', 'reference', 'status', 'total_amount_minor'],
  standard: ['-returned_at'],
})

const listInput = object({
  customer_id: optional(id()),
  order_id: optional(id()),
  status: optional(oneOf(RETURN_STATUSES)),
  reference: optional(text()),
  country: optional(text()),
  from: optional(day({ description: 'First day, UTC.' })),
  to: optional(day({ description: 'Last day, UTC; included.' })),
  currency: optional(text({ max: 3 })),
  ...offered.fields,
})

export const listReturns = query({
  type: 'ListReturns',
  input: listInput,
  run: (input, reader) => offered.page(reader, input, whereOf(input)),
  answer: pageAnswer(answer),
  route: {
    method: 'GET',
    path: '/api/v1/returns',
    tag: 'returns',
    summary: 'Returns, newest first',
  },
})

function whereOf(input: Infer<typeof listInput>): Filter {
  const { customer_id, order_id, status, reference, country, currency, from, to } = input
  // An instant compares as text, and a day is its prefix; `~` comes after every digit and sign.
  const returned_at = between(from, to && `${to}~`)
  return { customer_id, order_id, status, reference, country, currency, returned_at }
}
