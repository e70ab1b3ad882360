// The manifest of the inventory: the list of all it has.
import type { Context } from '#kernel/context.ts'
import { deleteProduct } from './archive-product.ts'
import { checkAvailability } from './availability.ts'
import { backorders } from './backorders.ts'
import { completeStockCount, startStockCount } from './count-commands.ts'
import { discrepancies } from './discrepancies.ts'
import { discrepancy } from './discrepancy.ts'
import { discrepancyQueries } from './discrepancy-queries.ts'
import { inventoryViews } from './inventory-views.ts'
import { lowStock } from './low-stock.ts'
import { listLowStock } from './low-stock-query.ts'
import { getStockMovements } from './movement-query.ts'
import { promises } from './promises.ts'
import { cancelTransfer, receiveTransfer } from './receive-transfer.ts'
import { recordCount } from './record-count.ts'
import { reservation } from './reservation.ts'
import { reservationCommands } from './reservation-commands.ts'
import { reservationQueries } from './reservation-queries.ts'
import { reservationExpiry, reservationsOpen } from './reservations-open.ts'
import { reserveCommands } from './reserve-commands.ts'
import { resolveDiscrepancy } from './resolve-discrepancy.ts'
import { startTransfer } from './start-transfer.ts'
import { stockItem } from './stock.ts'
import { stockByStore } from './stock-by-store.ts'
import { stockCommands } from './stock-commands.ts'
import { stockCount } from './stock-count.ts'
import { stockCountLines, stockCounts } from './stock-counts.ts'
import { stockMovements } from './stock-movements.ts'
import { stockQueries } from './stock-queries.ts'
import { stockWorkQueries } from './stock-work-queries.ts'
import { stockedProduct } from './stocked-product.ts'
import { transfer } from './transfer.ts'
import { transfers } from './transfers.ts'
import { updateInventory } from './update-inventory.ts'
import { updatingProducts } from './update-product.ts'

export const inventory: Context = {
  name: 'inventory',
  aggregates: [stockItem, reservation, stockedProduct, discrepancy, transfer, stockCount],
  commands: [
    ...stockCommands,
    updateInventory,
    ...updatingProducts,
    deleteProduct,
    ...reserveCommands,
    ...reservationCommands,
    startTransfer,
    receiveTransfer,
    cancelTransfer,
    startStockCount,
    recordCount,
    completeStockCount,
    resolveDiscrepancy,
  ],
  projections: [
    stockByStore,
    inventoryViews,
    stockMovements,
    reservationsOpen,
    lowStock,
    promises,
    backorders,
    discrepancies,
    transfers,
    stockCounts,
    stockCountLines,
  ],
  queries: [
    ...stockQueries,
    listLowStock,
    getStockMovements,
    checkAvailability,
    ...reservationQueries,
    ...stockWorkQueries,
    ...discrepancyQueries,
  ],
  waiting: [reservationExpiry],
  // Read by decisions only: it says where to look before a product is archived.
  unheard: ['ProductStocked'],
}
