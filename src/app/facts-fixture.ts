// What a till, a storekeeper and a van that were offline tell of a day that nobody prepared: goods,
// stores, customers and currencies that the book does not know, or has closed and forgotten since.
import { exponentOf } from '#kernel/money.ts'
import type { Random } from '#testing/random.ts'
import { OFFLINE } from '#testing/till-book.ts'
import type { OrderShop } from './order-shop.ts'

export type Fact = { readonly type: string; readonly input: Readonly<Record<string, unknown>> }
export type World = Awaited<ReturnType<typeof openWorld>>

const DAY_MS = 24 * 60 * 60 * 1_000
/** Told later than this, nobody could refuse it any more. */
const OVER_MS = 2 * 60 * 1_000

export const settingsOf = (random: Random) => ({
  'payments.default_method': 'credit_card',
  'retry.base_ms': 1,
  'money.currencies': ['USD', 'EUR'],
  'money.taxes': random.pick([[], ['standard:VAT:20', 'reduced:VAT:5']]),
  'money.prices_include_tax': random.chance(0.5),
  'pos.cash_rounding': random.pick([0, 5]),
  'pos.stock_policy': random.pick(['allow', 'warn', 'block']),
  'pos.price_override': random.pick(['allow', 'refuse']),
  'pos.require_session': random.chance(0.3),
  'pos.refund_without_original': random.pick(['allow', 'refuse']),
  'inventory.negative': random.chance(0.2),
})

/** A shop with something of each kind that has ended, and names that nobody has heard of. */
export async function openWorld({ done, cup, tea, now, advance }: OrderShop) {
  const { product_id: old } = await done('CreateProduct', { code: 'OLD', ...MUG })
  await done('DeleteProduct', { product_id: old })
  const { product_id: euro } = await done('CreateProduct', {
    code: 'EURO',
    ...MUG,
    currency: 'EUR',
  })
  const { store_id: closed } = await done('CreateStore', { name: 'Closed' })
  await done('CloseStore', { store_id: closed })
  for (const customer_id of ['c-poor', 'c-gone', 'c-forgotten'])
    await done('RegisterCustomer', { customer_id, name: 'Ann', credit_limit: '1' })
  await done('ArchiveCustomer', { customer_id: 'c-gone' })
  await done('EraseCustomer', { customer_id: 'c-forgotten' })
  await done('OpenCashSession', { register_id: 'till1', float: '10' })
  const begun = [1, 2, 3, 4].map((n) => `01980000-0000-7000-8000-00000000000${n}`)
  for (const sale_id of begun) {
    await done('StartSale', { sale_id })
    await done('AddSaleItem', { sale_id, product_id: cup, quantity: '1' })
  }
  await done('SuspendSale', { sale_id: begun[0] })
  await done('VoidSale', { sale_id: begun[1] })
  advance(3 * DAY_MS)
  return {
    now,
    products: { known: [cup, tea, String(euro)], old: String(old) },
    codes: { known: ['CUP', 'TEA', 'EURO', 'OLD'], unknown: ['NEW-1', 'NEW-2', 'NEW-3'] },
    unknown: ['p-new-1', 'p-new-2'],
    stores: ['main', String(closed), 's-new-1', 's-new-2'],
    customers: [null, 'c-poor', 'c-gone', 'c-forgotten', 'c-nobody'],
    /** Sales that go on here, or were set aside or given up. */
    begun,
    sales: [] as { sale_id: string; lines: number }[],
  }
}
const MUG = { name: 'mug', sell_price: '7.00' }

const past = (world: World, random: Random): string =>
  new Date(Date.parse(world.now()) - random.int(OVER_MS, 2 * DAY_MS)).toISOString()

const amount = (random: Random, currency: string, most = 5_000): string => {
  const exponent = exponentOf(currency)
  return (random.int(0, most) / 10 ** exponent).toFixed(exponent)
}

function whatever(world: World, random: Random, currency: string) {
  const { products, codes, unknown } = world
  const id = random.pick([...products.known, products.old, ...unknown])
  const code = random.pick([...codes.known, ...codes.unknown])
  const named = random.pick([
    { product_id: id },
    { product_code: code },
    { product_id: id, product_code: code },
  ])
  return {
    ...{ ...named, quantity: String(random.int(1, 5)), price: amount(random, currency) },
    ...(random.chance(0.2) ? { name: 'As on the receipt' } : {}),
  }
}
const TYPES = ['cash', 'card', 'credit', 'voucher', 'shells'] as const

/** Some tenders that come to whatever they come to; the last may take the rest. */
function somehow(random: Random, currency: string) {
  const types = random.shuffled(TYPES).slice(0, random.int(1, 3))
  const isOpen = random.chance(0.5)
  return types.map((type, i) =>
    isOpen && i === types.length - 1 ? { type } : { type, amount: amount(random, currency, 9_000) },
  )
}
const payment = (random: Random, currency: string) =>
  random.chance(0.4)
    ? { tenders: somehow(random, currency) }
    : {
        payment_type: random.pick(TYPES),
        ...(random.chance(0.5) ? { paid_amount: amount(random, currency, 9_000) } : {}),
      }

function place(world: World, random: Random) {
  return {
    store_id: random.pick(world.stores),
    register_id: random.pick(['main', 'till1']),
    customer_id: random.pick(world.customers),
    device_id: OFFLINE,
    occurred_at: past(world, random),
  }
}
const CURRENCIES = ['USD', 'USD', 'EUR', 'CHF', 'JPY'] as const

export function soldLate(world: World, random: Random): Fact {
  const currency = random.pick(CURRENCIES)
  const items = Array.from({ length: random.int(1, 3) }, () => whatever(world, random, currency))
  const begun = random.chance(0.2) ? world.begun.pop() : undefined
  const own = begun === undefined ? {} : { sale_id: begun }
  const input = { ...own, ...place(world, random), currency, items, ...payment(random, currency) }
  return { type: 'ProcessSale', input }
}

export function broughtBack(world: World, random: Random): Fact {
  const currency = random.pick(CURRENCIES)
  const items = Array.from({ length: random.int(1, 2) }, () => whatever(world, random, currency))
  const tenders = somehow(random, currency)
  const input = { ...place(world, random), currency, items, tenders, cause: 'did not like it' }
  return { type: 'RefundWithoutSale', input }
}

/** What was sold, perhaps once more than it was sold, and for whatever was given. */
export function refundedLate(world: World, random: Random): Fact {
  const { sale_id, lines } = random.pick(world.sales)
  const { customer_id, ...where } = place(world, random)
  const line = { line: random.int(1, lines), quantity: String(random.int(1, 7)) }
  const what = random.chance(0.7) ? { lines: [line] } : {}
  // Amounts that every currency can have.
  const tenders = random.chance(0.5)
    ? { tender: random.pick(TYPES) }
    : { tenders: [{ type: random.pick(TYPES), amount: String(random.int(0, 90)) }] }
  return { type: 'RefundSale', input: { sale_id, ...where, ...what, ...tenders, cause: 'broken' } }
}

/** Goods of the catalogue, in any store, as a storekeeper tells of them. */
function goods(world: World, random: Random) {
  const { products, stores } = world
  const product_id = random.pick([...products.known, products.old])
  return { product_id, store_id: random.pick(stores), occurred_at: past(world, random) }
}

export const delivered = (world: World, random: Random): Fact => ({
  type: 'AddStock',
  input: { ...goods(world, random), quantity: String(random.int(1, 9)) },
})

export const broken = (world: World, random: Random): Fact => ({
  type: 'AdjustInventory',
  input: { ...goods(world, random), adjustment: String(-random.int(1, 9)), reason: 'broken' },
})

export function sent(world: World, random: Random): Fact {
  const { product_id, store_id: from_store_id, occurred_at } = goods(world, random)
  const to_store_id = random.pick(world.stores.filter((one) => one !== from_store_id))
  const lines = [{ product_id, quantity: String(random.int(1, 9)) }]
  return { type: 'StartTransfer', input: { from_store_id, to_store_id, lines, occurred_at } }
}
