// A day of trade in the demonstration shop, as commands: who buys what, and when. The same day of
// the same shop is the same again, whenever it is asked for.
import type { Random } from '#testing/random.ts'
import { GOODS, type Good } from './goods.ts'
import { PEOPLE } from './people.ts'
import {
  CLERKS,
  customerId,
  type Deed,
  idOf,
  KIOSK,
  MAIN,
  openingStock,
  productId,
  randomOf,
  STORES,
} from './shop.ts'

export type Day = {
  /** Deals with customers, in the order of their times; sagas follow from the orders among them. */
  readonly deals: readonly Deed[]
  /** Order ids of the deals, to be sent the day after. */
  readonly orders: readonly string[]
  /** What came in at night. */
  readonly deliveries: readonly Deed[]
}

/** How much is bought on each day of the week, Sunday first. */
const WEEK = [0.3, 0.8, 0.9, 0.95, 1.05, 1.35, 1.5] as const
const ORDERS_A_DAY = 11
const SALES_A_DAY = 22
const OPENS_AT_HOUR = 7
const OPEN_HOURS = 11
/** A provider's word for: this card is refused. */
const DECLINED_CARD = 'sim_declined'

/** `day`: `2026-03-29`. */
export function dayOf(day: string, until: string): Day {
  const random = randomOf(day)
  const busy = WEEK[new Date(`${day}T12:00:00Z`).getUTCDay()]!
  const deals = (count: number, kind: string, make: Make) =>
    Array.from({ length: Math.round(count * busy * (0.8 + random.next() * 0.4)) }, (_, n) => {
      const key = `${day} ${kind} ${n}`
      const chances = randomOf(key)
      return make(key, timeOn(day, chances), chances)
    }).filter(({ at }) => at < until)
  const orders = deals(ORDERS_A_DAY, 'order', anOrder)
  const sales = deals(SALES_A_DAY, 'sale', aSale)
  return {
    deals: [...orders, ...sales].sort((a, b) => (a.at < b.at ? -1 : 1)),
    orders: orders.map(({ key }) => idOf(key)),
    deliveries: deliveriesOn(day),
  }
}

type Make = (key: string, at: string, random: Random) => Deed

function timeOn(day: string, random: Random): string {
  const minutes = Math.floor(random.next() * OPEN_HOURS * 60)
  const opened = Date.parse(`${day}T${String(OPENS_AT_HOUR).padStart(2, '0')}:00:00.000Z`)
  return new Date(opened + minutes * 60_000 + random.int(0, 59_999)).toISOString()
}

/** One ticket for each liking. */
const TICKETS = GOODS.flatMap((good) => Array.from({ length: good.liking }, () => good))
/** Up to so many different goods, in proportion to how much they are liked. */
export const basket = (random: Random, most: number): readonly Good[] => [
  ...new Set(Array.from({ length: random.int(1, most) }, () => random.pick(TICKETS))),
]
const units = (good: Good, random: Random) =>
  Number(good.price) < 10 && random.chance(0.4) ? random.int(2, 4) : 1

export function anOrder(key: string, at: string, random: Random): Deed {
  const number = random.int(0, PEOPLE.length - 1)
  const { name, city, country } = PEOPLE[number]!
  const card = random.chance(0.04) ? { token: DECLINED_CARD } : {}
  return {
    type: 'CreateOrder',
    key,
    at,
    input: {
      order_id: idOf(key),
      customer_id: customerId(number),
      store_id: MAIN.store_id,
      items: basket(random, 4).map((good) => ({
        product_id: productId(good),
        quantity: String(units(good, random)),
      })),
      shipping_address: { name, street: `Quay ${number + 1}`, city, country },
      payment: { method: random.pick(['credit_card', 'debit_card', 'wallet']), ...card },
    },
  }
}

export function aSale(key: string, at: string, random: Random): Deed {
  const store = random.chance(MAIN.share) ? MAIN : KIOSK
  const number = random.int(0, PEOPLE.length - 1)
  const onAccount = PEOPLE[number]!.credit_limit !== undefined && random.chance(0.3)
  const isKnown = onAccount || random.chance(0.3)
  return {
    type: 'ProcessSale',
    key,
    at,
    user_id: random.pick(CLERKS),
    input: {
      sale_id: idOf(key),
      store_id: store.store_id,
      items: basket(random, 3).map((good) => ({
        product_code: good.code,
        quantity: String(units(good, random)),
      })),
      ...(isKnown ? { customer_id: customerId(number) } : {}),
      payment_type: onAccount ? 'credit' : random.pick(['cash', 'cash', 'card']),
    },
  }
}

const DAYS_BETWEEN_DELIVERIES = 7

/** Once a week what a week sells, half of it for what is liked best: some of that runs low. */
function deliveriesOn(day: string): readonly Deed[] {
  const number = Math.floor(Date.parse(`${day}T00:00:00Z`) / 86_400_000)
  if (number % DAYS_BETWEEN_DELIVERIES !== 0) return []
  return STORES.flatMap((store) =>
    GOODS.filter(({ liking }) => liking > 2).map(
      (good): Deed => ({
        type: 'AddStock',
        key: `${day} delivery ${store.name} ${good.code}`,
        at: `${day}T05:30:00.000Z`,
        input: {
          product_id: productId(good),
          store_id: store.store_id,
          quantity: String(Math.ceil(openingStock(good, store) / (good.liking < 8 ? 4 : 8))),
          reason: 'delivery',
          unit_cost: good.cost,
        },
      }),
    ),
  )
}
