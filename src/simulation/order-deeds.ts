// Orders taken apart by those who use the shop: lines cancelled, sent in parcels of their own, sent
// back. Most of it comes too early or too late, and is refused; the rest has to come out right.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '#kernel/waiting.ts'
import type { World } from './world.ts'

type Send = (type: string, input: object) => Promise<Outcome | null>

const LINES = [{ line: 1, quantity: '1' }]
const LATER_MS = 3_000

export async function takeApart({ random }: World, order_id: string, send: Send): Promise<void> {
  const deed = random.pick([cancelLine, sendParcel, sendParcel, sendBack, sendBack])
  await deed(order_id, send, {
    later: () => sleep(random.int(1, LATER_MS)),
    chance: (share) => random.chance(share),
  })
}

type Chance = {
  readonly later: () => Promise<void>
  readonly chance: (share: number) => boolean
}
type Deed = (order_id: string, send: Send, chance: Chance) => Promise<void>

const cancelLine: Deed = async (order_id, send) => {
  await send('CancelOrderLines', { order_id, lines: LINES })
}

const sendParcel: Deed = async (order_id, send, { later, chance }) => {
  await later()
  const shipment_id = randomUUID()
  const planned = await send('CreateShipment', { order_id, shipment_id, lines: LINES })
  if (planned?.ok !== true) return
  await send('CreateShippingLabel', { shipment_id })
  await later()
  if (chance(0.2)) await send('CancelShipment', { shipment_id })
  else if (chance(0.8)) await send('MarkShipped', { shipment_id })
  if (chance(0.5)) await send('MarkShipped', { shipment_id: order_id })
  if (chance(0.5)) await send('MarkDelivered', { shipment_id })
}

const sendBack: Deed = async (order_id, send, { later, chance }) => {
  await later()
  await send('ShipOrder', { order_id })
  const return_id = randomUUID()
  const asked = { order_id, return_id, lines: LINES, reason: 'too small' }
  const told = await send('RequestReturn', asked)
  if (told?.ok !== true) return
  await later()
  if (chance(0.8)) await send('ReceiveReturn', { return_id, lines: LINES, refund: chance(0.8) })
  if (chance(0.3)) await send('CloseReturn', { return_id, reason: 'enough' })
}
