// The customers, one row each, and the questions about them. An erased one keeps the id and what is
// owed.
import type { DataOf } from '#kernel/event-types.ts'
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, nowOrThen, pageAnswer, paged, rowAnswer } from '#kernel/listing.ts'
import { type Handler, projection, type Row } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import {
  flag,
  type Infer,
  id,
  list,
  money,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { type customer, customerAddress, profileFields } from './customer.ts'
import { availableCredit } from './register-customer.ts'

const profile = object(profileFields)
type Profile = Infer<typeof profile>
export type CustomerRow = {
  readonly customer_id: string
  readonly name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly addresses: Profile['addresses'] | null
  readonly notes: string | null
  readonly currency: string
  readonly balance_minor: number
  readonly credit_limit_minor: number | null
  readonly is_active: boolean
  readonly is_erased: boolean
  /** Somebody who bought on account and is not registered: somebody's to ask who it is. */
  readonly is_incomplete: boolean
  readonly registered_at: string | null
  readonly erased_at: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}
const NOTHING = { name: null, email: null, phone: null, addresses: null, notes: null } as const

type Data = DataOf<typeof customer.events>
/** A change of the customer whose stream it is in. */
const own = <D extends { readonly customer_id: string }>(
  change: (data: D) => Partial<CustomerRow>,
): Handler<CustomerRow, D> => ({
  keys: ({ data }) => [data.customer_id],
  apply: (row, { data, timestamp, version }) =>
    row && { ...row, ...change(data), updated_at: timestamp, version },
})

export const customers = projection<CustomerRow>({
  name: 'customers',
  version: 3,
  table: {
    name: 'customers',
    key: 'customer_id',
    columns: {
      customer_id: 'text',
      name: { kind: 'text', nullable: true, personal: true },
      email: { kind: 'text', nullable: true, personal: true },
      phone: { kind: 'text', nullable: true, personal: true },
      addresses: { kind: 'json', nullable: true, personal: true },
      notes: { kind: 'text', nullable: true, personal: true },
      currency: 'text',
      balance_minor: 'money',
      credit_limit_minor: { kind: 'money', nullable: true },
      is_active: 'bool',
      is_erased: 'bool',
      is_incomplete: 'bool',
      registered_at: { kind: 'instant', nullable: true },
      erased_at: { kind: 'instant', nullable: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [['name'], ['email'], ['created_at'], ['balance_minor'], ['is_incomplete', 'name']],
    search: { name: 'name', email: 'code', phone: 'code' },
  },
  on: {
    CustomerRegistered: {
      keys: ({ data }) => [data.customer_id],
      apply: (row, { data: { email_claim, ...data }, timestamp, version }) => ({
        ...data,
        balance_minor: row?.balance_minor ?? 0,
        is_active: true,
        is_erased: false,
        is_incomplete: false,
        erased_at: null,
        created_at: row?.created_at ?? timestamp,
        updated_at: timestamp,
        version,
      }),
    },
    CustomerAccountOpened: {
      keys: ({ data }) => [data.customer_id],
      apply: (_, { data: { customer_id, currency, is_erased }, timestamp, version }) => ({
        ...{ customer_id, ...NOTHING, currency, balance_minor: 0, credit_limit_minor: 0 },
        ...{ is_active: !is_erased, is_erased, is_incomplete: !is_erased },
        ...{ registered_at: null, erased_at: null },
        ...{ created_at: timestamp, updated_at: timestamp, version },
      }),
    },
    CustomerUpdated: own<Data['CustomerUpdated']>(
      ({ customer_id, email_claim, ...changed }) => changed,
    ),
    CreditLimitChanged: own<Data['CreditLimitChanged']>(({ credit_limit_minor }) => ({
      credit_limit_minor,
    })),
    CustomerBalanceChanged: own<Data['CustomerBalanceChanged']>(({ balance_minor }) => ({
      balance_minor,
    })),
    CustomerArchived: own(() => ({ is_active: false })),
    CustomerRestored: own(() => ({ is_active: true })),
    CustomerErased: own<Data['CustomerErased']>(({ erased_at }) => ({
      ...NOTHING,
      is_active: false,
      is_erased: true,
      is_incomplete: false,
      erased_at,
    })),
  },
  sources: (key) => [`customer-${key}`],
})

const customerAnswer = object({
  id: id(),
  ...rowAnswer(customers.table, { shapes: { addresses: list(customerAddress) } }).properties,
  available_credit_minor: nullable(money()),
})
export const shownCustomer = (row: Row): Row => ({
  id: row.customer_id!,
  ...row,
  // A row is what the table's columns say.
  available_credit_minor: availableCredit(row as unknown as CustomerRow),
})

const getCustomer = query({
  type: 'GetCustomer',
  input: object({ customer_id: id({ aliases: ['id'] }), ...asOfFields }),
  run: async (input, reader) => {
    const row = await nowOrThen(reader, customers, input.customer_id, input)
    return row === null ? null : shownCustomer(row)
  },
  answer: nullable(customerAnswer),
  route: {
    method: 'GET',
    path: '/api/v1/customers/:customer_id',
    tag: 'customers',
    summary: 'One customer, now or as it was',
  },
})

const offered = listOf(customers, {
  sort: ['name', 'email', 'created_at', 'balance_minor'],
  standard: ['name'],
})

const findCustomers = query({
  type: 'FindCustomers',
  input: object({
    search_term: optional(
      text({
        max: 200,
        aliases: ['q', 'term', 'search'],
        description:
          'Words of name, e-mail or phone, the last perhaps unfinished; mistyped ones are ' +
          'forgiven, digits of a phone may be grouped in any way. Without a sort the best match ' +
          'comes first. Where it means very many, `total` is null.',
      }),
    ),
    incomplete_only: optional(
      flag({ description: 'Those who owe something and are not registered.' }),
    ),
    owing_only: optional(flag({ description: 'Those whose balance is above 0.' })),
    currency: optional(text({ min: 3, max: 3 })),
    include_inactive: optional(flag()),
    ...offered.fields,
  }),
  run: async (input, reader) => {
    const { search_term: term, owing_only, incomplete_only, currency, include_inactive } = input
    const where = {
      is_active: include_inactive ? undefined : true,
      is_incomplete: incomplete_only ? true : undefined,
      balance_minor: owing_only ? { gt: 0 } : undefined,
      currency,
    }
    const found = await reader.find(customers, offered.find(input, { where, search: term }))
    return paged({ ...found, items: found.items.map(shownCustomer) }, input)
  },
  answer: pageAnswer(customerAnswer),
  route: {
    method: 'GET',
    path: '/api/v1/customers',
    tag: 'customers',
    summary: 'Customers by words in name, e-mail or phone',
  },
})

export const customerQueries = [getCustomer, findCustomers]
