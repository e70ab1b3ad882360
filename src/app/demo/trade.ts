// Keeps the demonstration shop busy: every few seconds somebody buys, a parcel leaves or arrives.
import { v7 } from 'uuid'
import { orderViews } from '#contexts/orders/public.ts'
import type { Row } from '#kernel/projection.ts'
import type { Send } from '#kernel/waiting.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Random } from '#testing/random.ts'
import { GOODS } from './goods.ts'
import { anOrder, aSale, basket } from './plan.ts'
import { CLERKS, type Deed, openingStock, productId, STORES } from './shop.ts'

export type Trading = { stop(): Promise<void> }
export type Market = {
  readonly send: Send
  readonly reads: Pick<ReadModels, 'find'>
  readonly random: Random
  /** Milliseconds between two deeds, on average. */
  readonly everyMs: number
  /** Told about a deed that went wrong, other than a shop's everyday no. */
  readonly tell: (line: string) => void
}

/** Begins at once; what is under way when it is stopped is finished. */
export function trade({ send, reads, random, everyMs, tell }: Market): Trading {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let running: Promise<void> = Promise.resolve()
  const once = async () => {
    const deed = await nextDeed(reads, random)
    if (deed === null) return
    const { type, input, user_id } = deed
    const meta = { command_id: v7(), source: 'demo', ...(user_id === undefined ? {} : { user_id }) }
    await send(type, input, meta)
  }
  const next = () => {
    if (isStopped) return
    const pause = everyMs * (0.4 + 1.2 * random.next())
    timer = setTimeout(() => {
      running = once()
        .catch((error: Error) => tell(`demonstration: ${error.message}`))
        .finally(next)
    }, pause)
  }
  next()
  return {
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}

/** null: there is nothing to do of the kind that was drawn. */
export async function nextDeed(
  reads: Pick<ReadModels, 'find'>,
  random: Random,
): Promise<Deed | null> {
  const at = new Date().toISOString()
  const drawn = random.next()
  if (drawn < 0.4) return anOrder(v7(), at, random)
  if (drawn < 0.75) return aSale(v7(), at, random)
  if (drawn < 0.85) return await parcelLeaves(reads, at)
  if (drawn < 0.93) return await parcelArrives(reads, at)
  return delivery(random, at)
}

async function parcelLeaves(reads: Market['reads'], at: string): Promise<Deed | null> {
  const order_id = await oldest(reads, 'CONFIRMED')
  return order_id === null ? null : { type: 'ShipOrder', key: v7(), at, input: { order_id } }
}

async function parcelArrives(reads: Market['reads'], at: string): Promise<Deed | null> {
  const order_id = await oldest(reads, 'SHIPPED')
  return order_id === null ? null : { type: 'DeliverOrder', key: v7(), at, input: { order_id } }
}

async function oldest(reads: Market['reads'], status: string): Promise<string | null> {
  const { items } = await reads.find(orderViews.table, {
    where: { status },
    sort: [{ column: 'created_at' }],
    limit: 1,
  })
  const [row] = items as readonly Row[]
  return row === undefined ? null : String(row.order_id)
}

function delivery(random: Random, at: string): Deed {
  const [good = GOODS[0]!] = basket(random, 1)
  const store = random.pick(STORES)
  return {
    type: 'AddStock',
    key: v7(),
    at,
    user_id: random.pick(CLERKS),
    input: {
      product_id: productId(good),
      store_id: store.store_id,
      quantity: String(Math.ceil(openingStock(good, store) / 3)),
      reason: 'delivery',
      unit_cost: good.cost,
    },
  }
}
