// Stock in files: how many there are of a product in a store, or how many come on top of that.
import { productReadView } from '#contexts/catalog/product-read-view.ts'
import { productCoded } from '#contexts/catalog/public.ts'
import { type StockRow, stockByStore } from '#contexts/inventory/stock-by-store.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import { unscaled } from '#kernel/money.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Fields } from './columns.ts'
import {
  type Brought,
  type Kind,
  type Page,
  pageOf,
  picked,
  RowRefused,
  type RowTools,
  refuseRow,
} from './kind.ts'
import { productOf } from './product-rows.ts'

export const stock: Kind = {
  name: 'stock',
  columns: [
    { name: 'code', kind: 'text', aliases: ['sku'], isRequired: true },
    { name: 'store', kind: 'text', aliases: ['store_id'] },
    { name: 'quantity', kind: 'decimal', isRequired: true },
    { name: 'location', kind: 'text' },
    { name: 'min_stock', kind: 'decimal' },
    { name: 'backorder_limit', kind: 'decimal' },
    { name: 'reason', kind: 'text', isInputOnly: true },
    { name: 'reference', kind: 'text', isInputOnly: true },
    { name: 'unit_cost', kind: 'decimal', isInputOnly: true },
  ],
  keyOf: ({ code, store }) => `${productCoded(String(code)).value}\n${storeOf(store)}`,
  async bring(fields, tools) {
    const product_id = await productOf(String(fields.code), tools)
    if (product_id === null) throw refuseRow({ code: 'is not a product of the shop' })
    const place = { product_id, store_id: storeOf(fields.store) }
    const causes = { reason: 'import', ...picked(fields, ['reason', 'reference']) }
    return tools.mode === 'add'
      ? await added(fields, { ...place, ...causes }, tools)
      : await set(fields, place, causes, tools)
  },
  page: exported,
}

const SETTINGS = ['location', 'min_stock', 'backorder_limit']
const storeOf = (store: unknown) => storeIdOf(store == null ? undefined : String(store))

async function added(fields: Fields, place: object, tools: RowTools): Promise<Brought> {
  const [setting] = SETTINGS.filter((name) => fields[name] !== undefined)
  if (setting !== undefined) throw refuseRow({ [setting]: 'is not changed where stock is added' })
  await tools.send('add', 'AddStock', { ...place, ...picked(fields, ['quantity', 'unit_cost']) })
  return 'updated'
}

async function set(
  fields: Fields,
  place: { readonly product_id: string; readonly store_id: string },
  causes: object,
  tools: RowTools,
): Promise<Brought> {
  const { quantity } = fields
  if (fields.unit_cost !== undefined)
    throw refuseRow({ unit_cost: 'is what added stock costs; here stock is set' })
  if (await opened({ ...place, ...picked(fields, ['quantity', ...SETTINGS]) }, tools))
    return 'created'
  const settings = picked(fields, SETTINGS)
  if (Object.keys(settings).length > 0)
    await tools.send('settings', 'UpdateInventory', { ...place, ...settings })
  await tools.send('set', 'UpdateProductStock', { ...place, ...causes, quantity })
  return 'updated'
}

/** False: it is stocked there already. */
async function opened(input: object, tools: RowTools): Promise<boolean> {
  try {
    // What says nothing is told by leaving it out.
    const given = Object.entries(input).filter(([, value]) => value !== null)
    await tools.send('open', 'CreateInventory', Object.fromEntries(given))
    return true
  } catch (error) {
    if (error instanceof RowRefused && error.rejection.code === 'already_exists') return false
    throw error
  }
}

// ── out ───────────────────────────────────────────────────────────────────────────────────────

async function exported(reads: Pick<ReadModels, 'find'>, cursor: string | null): Promise<Page> {
  const { rows, next } = await pageOf<StockRow>(stockByStore, { reads, cursor })
  const codes = await codesOf([...new Set(rows.map(({ product_id }) => product_id))], reads)
  return {
    next,
    rows: rows.map((row) => ({
      code: codes.get(row.product_id) ?? row.product_id,
      store: row.store_id,
      quantity: unscaled(row.quantity, row.quantity_scale),
      location: row.location,
      min_stock: row.min_stock === null ? null : unscaled(row.min_stock, row.quantity_scale),
      backorder_limit: unscaled(row.backorder_limit, row.quantity_scale),
    })),
  }
}

async function codesOf(
  ids: readonly string[],
  reads: Pick<ReadModels, 'find'>,
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map()
  const where = { product_id: { in: ids } }
  const { items } = await reads.find(productReadView.table, { where, limit: ids.length })
  return new Map(items.map(({ product_id, code }) => [String(product_id), String(code)]))
}
