// Carries out what was asked of the carrier for a shipment of its own, again and again until its
// outcome is known. What an order's saga asks for is not among these rows: the saga does it itself.
import { within } from '#contexts/payments/public.ts'
import { type Carrier, type ShipmentRow, shipments } from '#contexts/shipping/public.ts'
import { streamOf } from '#kernel/message.ts'
import { type Waiting, type WaitingTools, waiting } from '#kernel/waiting.ts'
import { addressOf } from './fulfilment-acts.ts'

type Outside = { readonly carrier: Carrier; readonly timeoutMs: number }

export const shipmentOperations = ({ carrier, timeoutMs }: Outside): Waiting =>
  waiting<ShipmentRow>({
    name: 'shipment-operations',
    projection: shipments,
    due: 'next_attempt_at',
    act: async (row, tools) => {
      const { operation_id, order_id, shipment_id, attempts } = row
      if (operation_id === null) return
      const asked = (answer: ReturnType<Carrier['find']>) => within(answer, timeoutMs)
      const earlier = attempts > 0 ? await asked(carrier.find(operation_id)) : null
      const answer =
        earlier !== null && earlier.status !== 'absent'
          ? earlier
          : await asked(callFor(carrier, row, operation_id, tools))
      const { send, derivedId } = tools
      const command_id = derivedId(operation_id, String(attempts), JSON.stringify(answer))
      const input = { shipment_id, order_id, operation_id, ...answer }
      const outcome = await send('RecordShipmentOutcome', input, { command_id })
      if (!outcome.ok)
        throw new Error(`the outcome of ${operation_id}: ${outcome.rejection.message}`)
    },
  })

function callFor(
  carrier: Carrier,
  { shipment_id, order_id, store_id, pending_operation, tracking_number }: ShipmentRow,
  operation_id: string,
  tools: WaitingTools,
) {
  if (pending_operation === 'cancel') {
    if (tracking_number === null) throw new Error(`shipment ${shipment_id} has no tracking number`)
    return carrier.cancelLabel({ operation_id, shipment_id, tracking_number })
  }
  const address = async () =>
    (await ownAddress(shipment_id, tools)) ?? (await addressOf(order_id, tools))
  return carrier.createLabel({ operation_id, shipment_id, order_id, store_id, address })
}

type Address = Readonly<Record<string, unknown>>

/** Where this parcel goes, if not where the order does. */
async function ownAddress(shipmentId: string, { events }: WaitingTools): Promise<Address | null> {
  const [created] = await events([streamOf('shipment', shipmentId)], 1)
  return (created?.data as { readonly address?: Address } | undefined)?.address ?? null
}
