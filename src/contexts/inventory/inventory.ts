// The manifest of the inventory: the list of all it has.
import type { Context } from '#kernel/context.ts'
import { deleteProduct } from './archive-product.ts'
import { checkAvailability } from './availability.ts'
import { backorders } from './backorders.ts'
import { discrepancies } from './discrepancies.ts'
import { discrepancy } from './discrepancy.ts'
import { inventoryViews } from './inventory-views.ts'
import { lowStock } from './low-stock.ts'
import { reservation } from './reservation.ts'
import { reservationCommands } from './reservation-commands.ts'
import { reservationQueries } from './reservation-queries.ts'
import { reservationExpiry, reservationsOpen } from './reservations-open.ts'
import { reserveCommands } from './reserve-commands.ts'
import { stockItem } from './stock.ts'
import { stockByStore } from './stock-by-store.ts'
import { stockCommands } from './stock-commands.ts'
import { stockMovements } from './stock-movements.ts'
import { stockQueries } from './stock-queries.ts'
import { stockedProduct } from './stocked-product.ts'

export const inventory: Context = {
  name: 'inventory',
  aggregates: [stockItem, reservation, stockedProduct, discrepancy],
  commands: [...stockCommands, deleteProduct, ...reserveCommands, ...reservationCommands],
  projections: [
    stockByStore,
    inventoryViews,
    stockMovements,
    reservationsOpen,
    lowStock,
    backorders,
    discrepancies,
  ],
  queries: [...stockQueries, checkAvailability, ...reservationQueries],
  waiting: [reservationExpiry],
  // Read by decisions only: it says where to look before a product is archived.
  unheard: ['ProductStocked'],
}
