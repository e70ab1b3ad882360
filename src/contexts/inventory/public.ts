// The inventory's door: stock items, reservations, and the pure pieces that move them.
export type { Line, Reservation, ReservationState } from './reservation.ts'
export { reservation } from './reservation.ts'
export type { ToReserve, Writes } from './reserving.ts'
export {
  commitLines,
  keepReservation,
  releaseLines,
  releaseSome,
  reservationRefs,
  reserveLines,
  stockRefs,
} from './reserving.ts'
export type { Stock, StockState } from './stock.ts'
export { availableIn, stockItem, stockKey } from './stock.ts'
export { stockedProduct } from './stocked-product.ts'
