// The inventory's door: stock items, reservations, and the pure pieces that move them.
export { discrepancy } from './discrepancy.ts'
export { lowStock } from './low-stock.ts'
export { changeReservation } from './re-reserving.ts'
export type { Line, Reservation, ReservationState } from './reservation.ts'
export { reservation } from './reservation.ts'
export type { Reserved, ToReserve, Writes } from './reserving.ts'
export {
  commitLines,
  keepReservation,
  releaseLines,
  releaseSome,
  reservationRefs,
  reserveLines,
  stockRefs,
} from './reserving.ts'
export type { Sold, SoldLine, StockPolicy, StockWarning, ToSell } from './selling.ts'
export { sellStock } from './selling.ts'
export { stillWaiting } from './still-waiting.ts'
export type { Stock, StockState } from './stock.ts'
export { availableIn, backorderOf, stockItem, stockKey } from './stock.ts'
export { stockByStore } from './stock-by-store.ts'
export { stockCount } from './stock-count.ts'
export { stockedProduct } from './stocked-product.ts'
export { takeBack } from './taking-back.ts'
export { isFuture, isOver } from './told-late.ts'
export { transfer } from './transfer.ts'
