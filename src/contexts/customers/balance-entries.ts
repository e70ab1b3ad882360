// The ledger of what customers owe: each change with its cause, and the balance after it.
import { inUtc } from '#kernel/instants.ts'
import {
  asOfFields,
  nowOrThen,
  pageAnswer,
  paged,
  pageOf,
  paging,
  rowAnswer,
} from '#kernel/listing.ts'
import { type Filter, projection } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import {
  flag,
  type Infer,
  id,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { BALANCE_CAUSES } from './customer.ts'
import { customers, shownCustomer } from './customer-list.ts'

export type BalanceEntryRow = {
  readonly entry_id: string
  readonly customer_id: string
  /** The version of the customer's stream: in order, not without gaps. */
  readonly entry: number
  readonly change_minor: number
  /** After it. */
  readonly balance_minor: number
  readonly currency: string
  readonly cause: string
  readonly reference: string | null
  readonly reason: string | null
  readonly user_id: string | null
  readonly source: string | null
  readonly occurred_at: string
  readonly recorded_at: string
  readonly position: number
}

export const customerBalanceEntries = projection<BalanceEntryRow>({
  name: 'customer_balance_entries',
  version: 2,
  table: {
    name: 'customer_balance_entries',
    key: 'entry_id',
    columns: {
      entry_id: 'text',
      customer_id: 'text',
      entry: 'int',
      change_minor: 'money',
      balance_minor: 'money',
      currency: 'text',
      cause: 'text',
      reference: { kind: 'text', nullable: true },
      reason: { kind: 'text', nullable: true, personal: true },
      user_id: { kind: 'text', nullable: true },
      source: { kind: 'text', nullable: true },
      occurred_at: 'instant',
      recorded_at: 'instant',
      position: 'int',
    },
    indexes: [['customer_id', 'entry'], ['occurred_at']],
  },
  on: {
    CustomerBalanceChanged: {
      keys: ({ data, version }) => [`${data.customer_id}:${version}`],
      apply: (_, { data, version, metadata, timestamp, position }, entry_id) => ({
        entry_id,
        ...data,
        entry: version,
        user_id: metadata.user_id ?? null,
        source: metadata.source ?? null,
        recorded_at: timestamp,
        position,
      }),
    },
    CustomerErased: {
      keys: ({ data: { customer_id } }) => ({ lookup: { customer_id } }),
      apply: (row) => row && { ...row, reason: null },
    },
    // Of whom was forgotten payments are booked still; until the key is gone they are readable.
    PersonalKeyDestroyed: {
      keys: ({ data: { subject } }) => ({ lookup: { customer_id: subject } }),
      apply: (row) => row && { ...row, reason: null },
    },
  },
})

const input = object({
  customer_id: id({ aliases: ['id'] }),
  cause: optional(oneOf(BALANCE_CAUSES)),
  ...asOfFields,
  ...paging,
})

export const getCustomerBalance = query({
  type: 'GetCustomerBalance',
  input,
  run: async (input, reader) => {
    const row = await nowOrThen(reader, customers, input.customer_id, input)
    if (row === null) return null
    const { customer_id, currency, balance_minor, credit_limit_minor, available_credit_minor } =
      shownCustomer(row)
    const { cause } = input
    const entries = await reader.find(customerBalanceEntries, {
      where: { and: [{ customer_id: input.customer_id, ...(cause && { cause }) }, upTo(input)] },
      sort: [{ column: 'entry', descending: true }],
      ...pageOf(input),
    })
    const stale = row.stale === true ? { stale: true } : {}
    return {
      customer_id,
      currency,
      balance_minor,
      credit_limit_minor,
      available_credit_minor,
      ...stale,
      ...paged(entries, input),
    }
  },
  answer: nullable(
    object({
      customer_id: id(),
      currency: text(),
      balance_minor: money(),
      credit_limit_minor: nullable(money()),
      available_credit_minor: nullable(money()),
      stale: optional(flag()),
      ...pageAnswer(
        rowAnswer(customerBalanceEntries.table, { shapes: { cause: oneOf(BALANCE_CAUSES) } }),
      ).properties,
    }),
  ),
  route: {
    method: 'GET',
    path: '/api/v1/customers/:customer_id/balance',
    tag: 'customers',
    summary: 'What a customer owes and may still owe, with every change, the newest first',
  },
})

/** Entries that were there then: they never change. */
function upTo({ as_of, as_of_position, as_of_version }: Infer<typeof input>): Filter {
  if (as_of_position !== undefined) return { position: { lte: as_of_position } }
  if (as_of_version !== undefined) return { entry: { lte: as_of_version } }
  return as_of === undefined ? {} : { recorded_at: { lte: inUtc(as_of) } }
}
