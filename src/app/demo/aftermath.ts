// What follows a day of trade in the demonstration shop: parcels leave and arrive, some of it comes
// back, debts are paid, goods move between the stores.
import { GOODS } from './goods.ts'
import { PEOPLE } from './people.ts'
import type { Day } from './plan.ts'
import { CLERKS, customerId, type Deed, idOf, KIOSK, MAIN, productId, randomOf } from './shop.ts'

/** A day that has passed: which of its orders were paid, and which of its deals were taken. */
export type Past = Day & {
  readonly day: string
  readonly completed: ReadonlySet<string>
  readonly taken: ReadonlySet<string>
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** Days from an order to its parcel's leaving and arriving, from there to what comes back. */
const SENT_AFTER = 1
const ARRIVED_AFTER = 3
const ASKED_BACK_AFTER = 6
const CAME_BACK_AFTER = 9
const REASONS = ['not as expected', 'arrived too late', 'a present twice', 'scratched'] as const

/**
 * Deeds of this day about the days before it, the last one first in `past`; stage by stage, since a
 * parcel leaves before it arrives. Nothing happens after `until`.
 */
export function aftermathOf(
  day: string,
  until: string,
  past: readonly Past[],
): readonly (readonly Deed[])[] {
  const deed = ofDay(day)
  const ago = (days: number): Past | undefined => past[days - 1]
  /** What was never sent cannot arrive. */
  const isPossible = ({ type }: Deed) =>
    type !== 'ReceiveTransfer' || ago(1)?.taken.has(sentKey(dayAfter(day, -1))) === true
  const stages: readonly (readonly Deed[])[] = [
    cancelledOf(ago(SENT_AFTER), deed),
    ordersOf(ago(SENT_AFTER)).map((order_id) =>
      deed('ShipOrder', `ship ${order_id}`, 8, { order_id }),
    ),
    sentOf(ago(ARRIVED_AFTER), 'ship').map((order_id) =>
      deed('DeliverOrder', `deliver ${order_id}`, 14, { order_id }),
    ),
    askedBack(ago(ASKED_BACK_AFTER), deed),
    cameBack(ago(CAME_BACK_AFTER), deed),
    refundsOf(ago(2), deed),
    ...weekly(day, deed).map((stage) => stage.filter(isPossible)),
  ]
  return stages.map((stage) => stage.filter((deed) => deed.at < until))
}

/** A deed of one day, at about an hour (UTC). */
type OfDay = (type: string, key: string, hour: number, input: object, user_id?: string) => Deed
const ofDay =
  (day: string): OfDay =>
  (type, key, hour, input, user_id) => {
    const begin = Date.parse(`${day}T00:00:00Z`) + hour * HOUR_MS
    const at = new Date(begin + randomOf(key).int(0, 50 * 60_000)).toISOString()
    return { type, key, at, input, ...(user_id === undefined ? {} : { user_id }) }
  }
const ordersOf = (past: Past | undefined): readonly string[] => [...(past?.completed ?? [])]
/** Those that got so far; what waits for goods does not leave. */
const sentOf = (past: Past | undefined, deed: 'ship' | 'deliver'): readonly string[] =>
  ordersOf(past).filter((order_id) => past!.taken.has(`${deed} ${order_id}`))
const firstLineOf = (past: Past, order_id: string) => {
  const placed = past.deals.find(({ key }) => idOf(key) === order_id)
  const { items } = placed!.input as { items: readonly { quantity: string }[] }
  return { line: 1, quantity: items[0]!.quantity }
}

/** Every twelfth order; what is asked back and what came back are drawn by the order itself. */
const isSentBack = (order_id: string) => Number.parseInt(order_id.slice(0, 4), 16) % 12 === 0

const askedBack = (past: Past | undefined, deed: OfDay): readonly Deed[] =>
  sentOf(past, 'deliver')
    .filter(isSentBack)
    .map((order_id) =>
      deed('RequestReturn', `ask back ${order_id}`, 10, {
        return_id: idOf('return', order_id),
        order_id,
        lines: [firstLineOf(past!, order_id)],
        reason: randomOf(order_id).pick(REASONS),
      }),
    )
const cameBack = (past: Past | undefined, deed: OfDay): readonly Deed[] =>
  ordersOf(past)
    .filter((order_id) => past!.taken.has(`ask back ${order_id}`))
    .map((order_id) =>
      deed(
        'ReceiveReturn',
        `come back ${order_id}`,
        11,
        {
          return_id: idOf('return', order_id),
          lines: [{ ...firstLineOf(past!, order_id), damaged: order_id.endsWith('0') }],
        },
        'marta',
      ),
    )

/** At the till: brought back within days, with the receipt. */
const refundsOf = (past: Past | undefined, deed: OfDay): readonly Deed[] =>
  (past?.deals ?? [])
    .filter(
      ({ type, key }) =>
        type === 'ProcessSale' && past!.taken.has(key) && randomOf(`refund ${key}`).chance(0.05),
    )
    .map(({ key }) =>
      deed(
        'RefundSale',
        `refund ${key}`,
        12,
        {
          refund_id: idOf('refund', key),
          sale_id: idOf(key),
          lines: [{ line: 1 }],
          cause: 'returned',
        },
        randomOf(key).pick(CLERKS),
      ),
    )

/** Somebody thinks better of it before the parcel has left. */
const cancelledOf = (past: Past | undefined, deed: OfDay): readonly Deed[] =>
  ordersOf(past)
    .filter((order_id) => Number.parseInt(order_id.slice(4, 8), 16) % 40 === 0)
    .map((order_id) =>
      deed('CancelOrder', `cancel ${order_id}`, 7, { order_id, reason: 'changed my mind' }),
    )

/** Debts are paid on Mondays, goods go to the kiosk on Tuesdays and arrive on Wednesdays. */
function weekly(day: string, deed: OfDay): readonly (readonly Deed[])[] {
  const weekday = new Date(`${day}T12:00:00Z`).getUTCDay()
  if (weekday === 1)
    return [
      PEOPLE.flatMap(({ credit_limit }, n) =>
        credit_limit === undefined || randomOf(`${day} ${n}`).chance(0.3)
          ? []
          : [
              deed('ReceiveCustomerPayment', `paid off ${day} ${n}`, 15, {
                customer_id: customerId(n),
                amount: String(randomOf(`${n} ${day}`).int(2, 6) * 10),
                reference: `transfer ${day}`,
              }),
            ],
      ),
    ]
  if (weekday === 2) return [[sentToKiosk(day, deed)]]
  if (weekday === 3) return [[arrivedAtKiosk(day, deed)]]
  if (weekday === 4)
    return [
      [
        deed(
          'AdjustInventory',
          `broken ${day}`,
          9,
          {
            product_id: productId({ code: 'GFT-MUG' }),
            store_id: MAIN.store_id,
            adjustment: '-1',
            reason: 'broken',
          },
          'tom',
        ),
      ],
    ]
  return []
}

const sentKey = (day: string) => `to the kiosk ${day}`
const sentToKiosk = (day: string, deed: OfDay): Deed =>
  deed(
    'StartTransfer',
    sentKey(day),
    9,
    {
      transfer_id: idOf('transfer', day),
      from_store_id: MAIN.store_id,
      to_store_id: KIOSK.store_id,
      lines: randomOf(day)
        .shuffled(GOODS)
        .slice(0, 3)
        .map((good) => ({ product_id: productId(good), quantity: '3' })),
      reference: `van ${day}`,
    },
    'marta',
  )
const arrivedAtKiosk = (day: string, deed: OfDay): Deed =>
  deed(
    'ReceiveTransfer',
    `at the kiosk ${day}`,
    10,
    { transfer_id: idOf('transfer', dayAfter(day, -1)) },
    'tom',
  )

/** The day so many days later, or earlier. */
const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T12:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
