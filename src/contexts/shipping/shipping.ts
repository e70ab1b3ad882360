// The context of shipping: the list of what it has. Labels are asked for by the order's saga, goods
// leave by the order's commands: both write the order in the same append, so orders owns them.
import type { Context } from '#kernel/context.ts'
import { shipment } from './shipment.ts'
import { getShipment, listShipments, shipments } from './shipment-views.ts'

export const shipping = (): Context => ({
  name: 'shipping',
  aggregates: [shipment],
  commands: [],
  projections: [shipments],
  queries: [getShipment, listShipments],
})
