// The door of shipping: shipments and the port to the carrier.
export type { Carrier, CarrierAnswer, LabelCancellation, LabelRequest } from './carrier.ts'
export type { Shipment, ShipmentState } from './shipment.ts'
export { CARRIER_MAX, labelOperationId, shipment, TRACKING_MAX } from './shipment.ts'
export { shipments } from './shipment-views.ts'
