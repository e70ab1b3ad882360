// What the tests of the till's rules begin with: a customer, codes that are taken, sales as they
// are sent, and looks into what a decision writes.
import { customer } from '#contexts/customers/public.ts'
import type { Accepted, Command, Write } from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { sales } from './sales.ts'

export const SALE = '01980000-0000-7000-8000-00000000005a'
export const REFUND = '01980000-0000-7000-8000-00000000005b'
export const CUSTOMER = 'cust-1'
const SOME_TIME = '2026-03-02T10:00:00.000Z'

export const command = (type: string): Command => {
  const found = sales.commands.find((one) => one.type === type)
  if (found === undefined) throw new Error(`there is no command ${type}`)
  return found
}

export const codes: readonly Claim[] = [
  { scope: 'product_code', value: 'PEN', owner: 'product-pen' },
  { scope: 'product_code', value: 'APPLES', owner: 'product-apples' },
]

export const registered = (credit_limit_minor: number | null = null): Write =>
  customer.write(CUSTOMER, [
    customer.event('CustomerRegistered', {
      ...{ customer_id: CUSTOMER, name: 'Ann', email: null, phone: null, addresses: [] },
      ...{ notes: null, email_claim: null, currency: 'USD', credit_limit_minor },
      registered_at: SOME_TIME,
    }),
  ])

export const pens = (quantity: number, more: object = {}) => ({
  product_code: 'PEN',
  quantity: String(quantity),
  ...more,
})
export const cashSale = (...items: readonly object[]) => ({
  sale_id: SALE,
  items,
  payment_type: 'cash',
})

type Decided = { decision(): Accepted }

/** The data of the only event of this type. */
// biome-ignore lint/suspicious/noExplicitAny: events are looked at field by field
export function dataOf(then: Decided, type: string): any {
  const found = then
    .decision()
    .writes.flatMap(({ events }) => events)
    .filter((event) => event.type === type)
  if (found.length !== 1) throw new Error(`${found.length} events of type ${type}`)
  return found[0]!.data
}

export const typesIn = (then: Decided): readonly string[] =>
  then.decision().writes.flatMap(({ events }) => events.map(({ type }) => type))
