// What a carrier answered about one call, as the commands that record it take it.
import { CARRIER_MAX, TRACKING_MAX } from '#contexts/shipping/public.ts'
import { id, oneOf, optional, text } from '#kernel/schema.ts'

const TEXT_MAX = 2_000

export const carrierTold = {
  order_id: id(),
  operation_id: id(),
  status: oneOf(['succeeded', 'declined', 'unknown', 'absent']),
  tracking_number: optional(text({ max: TRACKING_MAX })),
  carrier: optional(text({ max: CARRIER_MAX })),
  reason: optional(text({ min: 0, max: TEXT_MAX })),
  error: optional(text({ min: 0, max: TEXT_MAX })),
}
