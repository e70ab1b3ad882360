// Products in files: made or changed by their code. Departments and units go by their names; those
// that the shop has not are made on the way.

import { type ProductRow, productReadView } from '#contexts/catalog/product-read-view.ts'
import { departmentNamed, productCoded, unitNamed } from '#contexts/catalog/public.ts'
import { units } from '#contexts/catalog/reference-lists.ts'
import type { Named } from '#kernel/decider.ts'
import { exponentOf, unscaled } from '#kernel/money.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Fields } from './columns.ts'
import { type Kind, type Page, pageOf, picked, RowRefused, type RowTools } from './kind.ts'

export const products: Kind = {
  name: 'products',
  columns: [
    { name: 'code', kind: 'text', aliases: ['sku'], isRequired: true },
    { name: 'name', kind: 'text' },
    { name: 'description', kind: 'text' },
    { name: 'sell_price', kind: 'decimal', aliases: ['price'] },
    { name: 'cost_price', kind: 'decimal' },
    { name: 'currency', kind: 'text' },
    { name: 'department', kind: 'text' },
    { name: 'unit', kind: 'text' },
    { name: 'unit_symbol', kind: 'text' },
    { name: 'unit_precision', kind: 'integer' },
    { name: 'tax_class', kind: 'text' },
    { name: 'min_stock', kind: 'decimal' },
    { name: 'is_active', kind: 'flag' },
  ],
  keyOf: ({ code }) => productCoded(String(code)).value,
  async bring(fields, tools) {
    const wanted = {
      ...picked(fields, [...PLAIN, 'code']),
      ...(await departmentOf(fields, tools)),
      ...(await unitOf(fields, tools)),
    }
    const found = await productOf(String(fields.code), tools)
    // Made by this very row, before the job was interrupted.
    const isNew = found === null || (await tools.wasSent('create'))
    const product_id = found ?? (await created(wanted, fields, tools))
    if (!isNew) await tools.send('update', 'UpdateProduct', { ...wanted, product_id })
    if (fields.is_active === false) await tools.send('archive', 'DeleteProduct', { product_id })
    else if (fields.is_active === true && !isNew)
      await tools.send('restore', 'RestoreProduct', { product_id })
    return isNew ? 'created' : 'updated'
  },
  page: exported,
}

const PLAIN = [
  ...['name', 'description', 'sell_price', 'cost_price', 'currency'],
  ...['tax_class', 'min_stock'],
]

export const productOf = (code: string, tools: RowTools) => tools.owner(productCoded(code))

/** Its id; that of another where somebody else was faster. */
async function created(wanted: object, fields: Fields, tools: RowTools): Promise<string> {
  if (fields.sell_price == null)
    throw new RowRefused({
      code: 'validation_failed',
      message: 'A new product needs a price.',
      errors: { sell_price: 'is required for a product that is not there yet' },
    })
  return await madeOnce(productCoded(String(fields.code)), tools, async () => {
    const made = await tools.send('create', 'CreateProduct', wanted)
    return String(made.product_id)
  })
}

async function madeOnce(
  name: Named,
  tools: RowTools,
  make: () => Promise<string>,
): Promise<string> {
  try {
    return await make()
  } catch (error) {
    const isTaken = error instanceof RowRefused && error.rejection.code === 'already_exists'
    const owner = isTaken ? await tools.owner(name) : null
    if (owner === null) throw error
    return owner
  }
}

/** null empties it, as in any field. */
async function departmentOf({ department }: Fields, tools: RowTools): Promise<object> {
  if (department === undefined) return {}
  if (department === null) return { department_id: null }
  const name = departmentNamed(String(department))
  const department_id =
    (await tools.owner(name)) ??
    (await madeOnce(name, tools, async () => {
      const made = await tools.send('department', 'CreateDepartment', { name: department })
      return String(made.department_id)
    }))
  return { department_id }
}

async function unitOf(
  { unit, unit_symbol, unit_precision }: Fields,
  tools: RowTools,
): Promise<object> {
  if (unit === undefined) return {}
  if (unit === null) return { unit_id: null }
  const name = unitNamed(String(unit))
  const unit_id =
    (await tools.owner(name)) ??
    (await madeOnce(name, tools, async () => {
      const made = await tools.send('unit', 'CreateUnit', {
        name: unit,
        ...(unit_symbol === undefined ? {} : { symbol: unit_symbol }),
        ...(unit_precision == null ? {} : { precision: unit_precision }),
      })
      return String(made.unit_id)
    }))
  return { unit_id }
}

// ── out ───────────────────────────────────────────────────────────────────────────────────────

async function exported(reads: Pick<ReadModels, 'find'>, cursor: string | null): Promise<Page> {
  const sort = [{ column: 'code' }]
  const { rows, next } = await pageOf<ProductRow>(productReadView, { reads, cursor }, { sort })
  const known = await unitsOf(rows, reads)
  return { rows: rows.map((row) => fieldsOf(row, known)), next }
}

type Unit = { readonly symbol: string | null; readonly precision: number }

async function unitsOf(
  rows: readonly ProductRow[],
  reads: Pick<ReadModels, 'find'>,
): Promise<ReadonlyMap<string, Unit>> {
  const ids = [...new Set(rows.map(({ unit_id }) => unit_id).filter((id) => id !== null))]
  if (ids.length === 0) return new Map()
  const where = { unit_id: { in: ids } }
  const { items } = await reads.find(units.table, { where, limit: ids.length })
  return new Map(items.map((row) => [String(row.unit_id), row as unknown as Unit]))
}

function fieldsOf(row: ProductRow, known: ReadonlyMap<string, Unit>): Fields {
  const exponent = exponentOf(row.currency)
  const unit = row.unit_id === null ? undefined : known.get(row.unit_id)
  const cost = row.cost_price_minor
  return {
    code: row.code,
    name: row.name,
    description: row.description,
    sell_price: unscaled(row.sell_price_minor, exponent),
    cost_price: cost === null ? null : unscaled(cost, exponent),
    currency: row.currency,
    department: row.department_name,
    unit: row.unit_name,
    unit_symbol: unit?.symbol ?? null,
    unit_precision: unit?.precision ?? null,
    tax_class: row.tax_class,
    min_stock: unscaled(row.min_stock, row.quantity_scale),
    is_active: row.is_active,
  }
}
