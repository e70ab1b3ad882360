// Products, departments, units, stores and their stock, in words.
import { department, product, unit } from '#contexts/catalog/public.ts'
import {
  discrepancy,
  reservation,
  stockCount,
  stockedProduct,
  stockItem,
  transfer,
} from '#contexts/inventory/public.ts'
import { store } from '#contexts/stores/public.ts'
import { because, count, fieldsOf, type Words, wordsFor } from './words.ts'

const catalogWords: Words = {
  ...wordsFor(department, {
    DepartmentCreated: ({ name }) => `Department ${name} created`,
    DepartmentRenamed: ({ name }) => `Renamed to ${name}`,
    DepartmentArchived: () => 'Department archived',
  }),
  ...wordsFor(unit, {
    UnitCreated: ({ name, symbol }) =>
      `Unit ${name}${symbol === null ? '' : ` (${symbol})`} created`,
    UnitUpdated: (data) => `Changed: ${fieldsOf(data, ['unit_id'])}`,
    UnitArchived: () => 'Unit archived',
  }),
  ...wordsFor(product, {
    ProductCreated: ({ code, name, sell_price_minor }, { money }) =>
      `Product ${code}, ${name}, created at ${money(sell_price_minor)}`,
    ProductUpdated: (data) =>
      `Changed: ${fieldsOf(data, ['product_id', 'department_id', 'unit_id'])}`,
    ProductPriceChanged: ({ previous_sell_price_minor, sell_price_minor }, { money }) =>
      previous_sell_price_minor === sell_price_minor
        ? `Price stays ${money(sell_price_minor)}; the cost price changed`
        : `Price changed from ${money(previous_sell_price_minor)} to ${money(sell_price_minor)}`,
    ProductPriceScheduled: ({ effective_at, sell_price_minor }, { money }) =>
      sell_price_minor === undefined
        ? `A cost price planned for ${effective_at}`
        : `A price of ${money(sell_price_minor)} planned for ${effective_at}`,
    ScheduledPriceCancelled: ({ reason }) =>
      reason === 'same_price'
        ? 'A planned price came to nothing: it was the price already'
        : 'A planned price taken back',
    ProductArchived: () => 'Archived: it is not sold any more',
    ProductRestored: () => 'Restored: it is sold again',
  }),
}

const storeWords: Words = wordsFor(store, {
  StoreCreated: ({ name, kind, timezone }) => `Store ${name} opened, a ${kind} in ${timezone}`,
  StoreUpdated: (data) => `Changed: ${fieldsOf(data, ['store_id'])}`,
  StoreClosed: () => 'Store closed',
})

const stockWords: Words = {
  ...wordsFor(stockedProduct, {
    ProductStocked: ({ store_id }, { name }) => `Stocked in store ${name(store_id)}`,
  }),
  ...wordsFor(stockItem, {
    InventoryCreated: ({ quantity }, { units }) => `Stock opened with ${units(quantity)}`,
    StockAdded: ({ quantity, reason }, { units }) => `${units(quantity)} came in${because(reason)}`,
    InventoryAdjusted: ({ adjustment, reason }, { units }) =>
      adjustment < 0 && reason === 'sale'
        ? `${units(-adjustment)} sold`
        : `Corrected by ${adjustment > 0 ? '+' : ''}${units(adjustment)}${because(reason)}`,
    InventoryUpdated: (data) => `Changed: ${fieldsOf(data, ['product_id', 'store_id'])}`,
    StockReserved: ({ quantity, reservation_id, backordered = 0 }, { units, name }) =>
      `${units(quantity)} held for ${name(reservation_id)}` +
      (backordered === 0 ? '' : `, ${units(backordered)} of it on backorder`),
    StockReleased: ({ quantity, reservation_id }, { units, name }) =>
      `${units(quantity)} held for ${name(reservation_id)} free again`,
    ReservationCommitted: ({ quantity, reservation_id }, { units, name }) =>
      `${units(quantity)} held for ${name(reservation_id)} left the store`,
    BackordersFilled: ({ lines }) => `What had come goes to ${count(lines, 'backorder')}`,
    StockTransferredOut: ({ quantity, to_store_id }, { units, name }) =>
      `${units(quantity)} sent to store ${name(to_store_id)}`,
    StockTransferredIn: ({ quantity, damaged, from_store_id }, { units, name }) =>
      `${units(quantity)} came from store ${name(from_store_id)}` +
      (damaged === 0 ? '' : `, and ${units(damaged)} damaged`),
    IncomingStockChanged: ({ change, from_store_id }, { units, name }) =>
      change > 0
        ? `${units(change)} on its way from store ${name(from_store_id)}`
        : `${units(-change)} no longer on its way from store ${name(from_store_id)}`,
    StockCounted: ({ counted, expected, is_superseded }, { units }) =>
      `${units(counted)} counted` +
      (expected === null ? '' : ` where the book said ${units(expected)}`) +
      (is_superseded ? '; a later count stands' : ''),
    LowStockReached: ({ available_quantity, threshold }, { units }) =>
      `Running low: ${units(available_quantity)} free, the threshold is ${units(threshold)}`,
    InventoryClosed: () => 'Stock closed',
  }),
  ...wordsFor(discrepancy, {
    StockDiscrepancyDetected: ({ kind, missing, reason }, { units }) =>
      `${units(missing)} missing after a ${kind}${because(reason)}`,
    StockDiscrepancyResolved: ({ action }) => `Settled: ${action.replace('_', ' ')}`,
  }),
  ...wordsFor(transfer, {
    TransferStarted: ({ lines, from_store_id, to_store_id }, { name }) =>
      `${count(lines, 'product')} sent from store ${name(from_store_id)} to ${name(to_store_id)}`,
    TransferReceived: ({ lines, is_closed }) =>
      `${count(lines, 'product')} came${is_closed ? '; nothing more is on its way' : ''}`,
    TransferCancelled: ({ lines, reason }) =>
      `Called back, ${count(lines, 'product')} returned${because(reason)}`,
  }),
  ...wordsFor(stockCount, {
    StockCountStarted: ({ store_id, scope }, { name }) =>
      `Counting of store ${name(store_id)} begun: ${scope === 'all' ? 'all of it' : scope}`,
    StockCountRecorded: ({ counted_lines, differing_lines }) =>
      `${count(counted_lines, 'number')} written down, ${differing_lines} other than in the book`,
    StockCountCompleted: () => 'Counting done',
  }),
  ...wordsFor(reservation, {
    InventoryReserved: ({ lines, expires_at }) =>
      `Stock of ${count(lines, 'line')} held${expires_at === null ? '' : ` until ${expires_at}`}`,
    InventoryReleased: ({ lines, reason }) =>
      `Stock of ${count(lines, 'line')} free again${because(reason)}`,
    InventoryCommitted: ({ lines }) => `Stock of ${count(lines, 'line')} left the store`,
    ReservationExtended: ({ expires_at }) =>
      expires_at === null ? 'Held without a time limit' : `Held until ${expires_at}`,
    ReservationExpired: () => 'The time limit passed: the stock is free again',
  }),
}

export const wordsOfGoods: Words = { ...catalogWords, ...storeWords, ...stockWords }
