// What came back, one row a return, and the questions about it.
import { pageAnswer, paged, pageOf, paging } from '#kernel/listing.ts'
import { type Condition, type Filter, projection, type Row } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import {
  day,
  type Infer,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'
import type { ReturnRecorded } from './return.ts'

export type ReturnRow = Row &
  ReturnRecorded & { readonly returned_at: string; readonly version: number }

export const returns = projection<ReturnRow>({
  name: 'returns',
  version: 1,
  table: {
    name: 'returns',
    key: 'return_id',
    columns: {
      return_id: 'text',
      reference: 'text',
      customer_id: { kind: 'text', nullable: true },
      country: { kind: 'text', nullable: true },
      currency: 'text',
      lines: 'json',
      total_amount_minor: 'money',
      cause: 'text',
      original_order_id: { kind: 'text', nullable: true },
      returned_at: 'instant',
      version: 'int',
    },
    indexes: [['returned_at'], ['customer_id', 'returned_at'], ['reference']],
  },
  on: {
    ReturnRecorded: {
      keys: ({ data }) => [data.return_id],
      apply: (_, { data, occurred_at, version }) => ({
        ...(data as ReturnRecorded),
        returned_at: occurred_at,
        version,
      }),
    },
  },
  sources: (key) => [`return-${key}`],
})

const answer = object({
  return_id: id(),
  reference: text(),
  customer_id: nullable(id()),
  country: nullable(text()),
  currency: text(),
  lines: list(
    object({
      line: integer(),
      product_id: nullable(id()),
      code: text(),
      quantity: quantity(),
      quantity_scale: integer(),
      unit_price_minor: money(),
      amount_minor: money(),
    }),
  ),
  total_amount_minor: money(),
  cause: text(),
  original_order_id: nullable(id()),
  returned_at: instant(),
  version: integer(),
})

export const getReturn = query({
  type: 'GetReturn',
  input: object({ return_id: id() }),
  run: ({ return_id }, reader) => reader.get(returns, return_id),
  answer,
  route: {
    method: 'GET',
    path: '/api/v1/returns/:return_id',
    tag: 'returns',
    summary: 'One return with its lines',
  },
})

const listInput = object({
  customer_id: optional(id()),
  reference: optional(text()),
  country: optional(text()),
  from: optional(day({ description: 'First day, UTC.' })),
  to: optional(day({ description: 'Last day, UTC; included.' })),
  ...paging,
})

export const listReturns = query({
  type: 'ListReturns',
  input: listInput,
  run: async (input, reader) => {
    const found = await reader.find(returns, {
      where: whereOf(input),
      sort: [{ column: 'returned_at', descending: true }],
      ...pageOf(input),
    })
    return paged(found, input)
  },
  answer: pageAnswer(answer),
  route: {
    method: 'GET',
    path: '/api/v1/returns',
    tag: 'returns',
    summary: 'Returns, newest first',
  },
})

function whereOf({ customer_id, reference, country, from, to }: Infer<typeof listInput>): Filter {
  const returned_at: Condition = {
    // An instant compares as text, and a day is its prefix; `~` comes after every digit and sign.
    ...(from === undefined ? {} : { gte: from }),
    ...(to === undefined ? {} : { lte: `${to}~` }),
  }
  return {
    ...(customer_id === undefined ? {} : { customer_id }),
    ...(reference === undefined ? {} : { reference }),
    ...(country === undefined ? {} : { country }),
    ...(Object.keys(returned_at).length === 0 ? {} : { returned_at }),
  }
}
