// Fills an empty book with a month of the demonstration shop: through the same commands as every
// shop, each at the time it is said to have happened. Stopped in between, it goes on where it was.
import { eachInFlight } from '#app/import/in-flight.ts'
import type { Progress } from '#app/import/progress.ts'
import { sagaWatch } from '#app/import/saga-watch.ts'
import type { Send } from '#kernel/waiting.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { aftermathOf, type Past } from './aftermath.ts'
import { lastMorning } from './last-morning.ts'
import { dayOf } from './plan.ts'
import { type Deed, idOf, openingOf } from './shop.ts'

export type Shop = {
  readonly send: Send
  readonly log: EventLog
  readonly reads: Pick<ReadModels, 'load'>
}
export type Filled = {
  /** Commands that the shop took, and those it refused, by their codes (`insufficient_stock`). */
  readonly taken: number
  readonly refused: ReadonlyMap<string, number>
  /** Orders whose payment or stock failed. */
  readonly failedOrders: number
}

const DAYS = 31
const DAY_MS = 86_400_000
const IN_FLIGHT = 16
/** What a believable shop refuses now and then; anything else is a mistake of the demonstration. */
const EVERYDAY = new Set(['insufficient_stock', 'credit_limit_exceeded', 'invalid_state'])

/** null: it was filled before. Throws where the book is another shop's. */
export async function fillDemo(
  shop: Shop,
  now: string,
  show: (progress: Progress) => void,
  days = DAYS,
): Promise<Filled | null> {
  const started = await startOf(shop.log, now)
  const last = lastDeed(started)
  if ((await shop.log.commandRecord(commandId(last))) !== null) return null
  const filling = fillingInto(shop)
  const past: Past[] = []
  let failedOrders = 0
  const watch = sagaWatch(shop.reads)
  try {
    const dates = Array.from({ length: days + 1 }, (_, n) =>
      new Date(Date.parse(started) - (days - n) * DAY_MS).toISOString().slice(0, 10),
    )
    await filling.inOrder(openingOf(`${dates[0]}T05:00:00.000Z`))
    for (const [n, day] of dates.entries()) {
      show({ phase: 'Filling the demonstration shop', done: n, of: dates.length, note: day })
      for (const stage of aftermathOf(day, started, past)) await filling.together(stage)
      const trade = dayOf(day, started)
      await filling.together(trade.deliveries)
      await filling.together(trade.deals)
      const placed = trade.orders.filter((id) => filling.hasOrder(id))
      const ends = await Promise.all(placed.map((id) => watch.ended(id)))
      const completed = new Set(placed.filter((_, i) => ends[i]!.completed))
      failedOrders += placed.length - completed.size
      past.unshift({ ...trade, day, completed, taken: filling.taken() })
    }
    for (const stage of await lastMorning(new Date().toISOString(), shop.reads))
      await filling.together(stage)
    await filling.together([last])
    show({ phase: 'Filling the demonstration shop', done: dates.length, of: dates.length })
    return { ...filling.told(), failedOrders }
  } finally {
    watch.close()
  }
}

/** When the demonstration began: now, or when its first event was recorded. */
async function startOf(log: EventLog, now: string): Promise<string> {
  const [first] = await log.readAll(0, 1)
  if (first === undefined) return now
  const [opening] = openingOf(now)
  if ((await log.commandRecord(commandId(opening!))) === null)
    throw new Error(
      'this book holds another shop already; the demonstration wants one of its own: ' +
        'name a new file with --data',
    )
  return first.timestamp
}

/** A price that is lowered at the very end: a book that has it is full. */
const lastDeed = (at: string): Deed => ({
  type: 'UpdateProductPrice',
  key: 'the calendar is reduced',
  at,
  input: { product_id: idOf('product', 'DSK-CAL'), sell_price: '15.00' },
})

const commandId = ({ key }: Pick<Deed, 'key'>): string => idOf('command', key)

function fillingInto({ send }: Shop) {
  const refused = new Map<string, number>()
  const placed = new Set<string>()
  const taken = new Set<string>()
  const sent = async (deed: Deed) => {
    const { type, input, at, user_id } = deed
    const outcome = await send(type, input, {
      command_id: commandId(deed),
      occurred_at: at,
      source: 'import',
      ...(user_id === undefined ? {} : { user_id }),
    })
    if (outcome.ok) {
      taken.add(deed.key)
      if (type === 'CreateOrder') placed.add((input as { order_id: string }).order_id)
      return
    }
    const { code, message, errors } = outcome.rejection
    if (!EVERYDAY.has(code))
      throw new Error(`${type} ${deed.key}: ${code}, ${message} ${JSON.stringify(errors ?? {})}`)
    refused.set(code, (refused.get(code) ?? 0) + 1)
  }
  return {
    inOrder: async (deeds: readonly Deed[]) => {
      for (const ofType of Map.groupBy(deeds, ({ type }) => type).values())
        await eachInFlight(ofType, IN_FLIGHT, sent)
    },
    together: (deeds: readonly Deed[]) => eachInFlight(deeds, IN_FLIGHT, sent),
    hasOrder: (id: string) => placed.has(id),
    taken: (): ReadonlySet<string> => taken,
    told: () => ({ taken: taken.size, refused }),
  }
}
