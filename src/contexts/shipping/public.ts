// The door of shipping: shipments and the port to the carrier.
export type { Carrier, CarrierAnswer, LabelCancellation, LabelRequest } from './carrier.ts'
export type {
  Shipment,
  ShipmentLine,
  ShipmentOperation,
  ShipmentState,
} from './shipment.ts'
export {
  address,
  CARRIER_MAX,
  labelOperationId,
  SHIPMENT_STATUSES,
  shipment,
  TRACKING_MAX,
} from './shipment.ts'
export type { ShipmentRow } from './shipment-views.ts'
export { shipments } from './shipment-views.ts'
