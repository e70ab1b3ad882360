// Questions about work with stock: transfers, counts and backorders.
import { storeIdOf } from '#contexts/stores/public.ts'
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, nowOrThen, pageAnswer, paged, rowAnswer } from '#kernel/listing.ts'
import type { Row } from '#kernel/projection.ts'
import { type Query, query } from '#kernel/query.ts'
import { flag, id, integer, list, object, oneOf, optional, quantity, text } from '#kernel/schema.ts'
import { backorders } from './backorders.ts'
import { COUNTS, COUNTS_TAG } from './count-commands.ts'
import { withProducts } from './product-rows.ts'
import { COUNT_SCOPES, COUNT_STATUSES } from './stock-count.ts'
import { stockCountLines, stockCounts } from './stock-counts.ts'
import { TRANSFER_STATUSES, type TransferLine } from './transfer.ts'
import { TRANSFERS, transferLines, withTransit } from './transfer-answer.ts'
import { transfers } from './transfers.ts'

const storeField = optional(id({ description: 'main is the main store.' }))

const storeNamed = (told: string | undefined) => told && storeIdOf(told)

// ── transfers ─────────────────────────────────────────────────────────────────────────────────

const transferRow = rowAnswer(transfers.table, {
  shapes: { status: oneOf(TRANSFER_STATUSES), lines: transferLines },
})
// The column holds what the transfer's events say.
const shown = (row: Row): Row => ({ ...row, lines: withTransit(row.lines as TransferLine[]) })
const transferList = listOf(transfers, {
  filters: ['started_at'],
  sort: ['started_at'],
  standard: ['-started_at'],
})

const getTransfer = query({
  type: 'GetTransfer',
  input: object({ transfer_id: id(), ...asOfFields }),
  run: async (input, reader) => {
    const row = await nowOrThen(reader, transfers, input.transfer_id, input)
    return row === null ? null : shown(row)
  },
  answer: transferRow,
  route: {
    method: 'GET',
    path: `${TRANSFERS}/:transfer_id`,
    tag: 'transfers',
    summary: 'A transfer: what was sent, what came, what is still on its way',
  },
})

const listTransfers = query({
  type: 'ListTransfers',
  input: object({
    ...transferList.fields,
    status: optional(oneOf(TRANSFER_STATUSES)),
    from_store_id: storeField,
    to_store_id: storeField,
  }),
  run: async ({ status, from_store_id, to_store_id, ...input }, reader) => {
    const page = await transferList.page(reader, input, {
      status,
      from_store_id: storeNamed(from_store_id),
      to_store_id: storeNamed(to_store_id),
    })
    return { ...page, items: page.items.map(shown) }
  },
  answer: pageAnswer(transferRow),
  route: {
    method: 'GET',
    path: TRANSFERS,
    tag: 'transfers',
    summary: 'Transfers between stores, the newest first',
  },
})

// ── counts ────────────────────────────────────────────────────────────────────────────────────

const countRow = rowAnswer(stockCounts.table, {
  shapes: {
    status: oneOf(COUNT_STATUSES),
    scope: oneOf(COUNT_SCOPES),
    product_ids: list(id()),
  },
})
const countList = listOf(stockCounts, {
  filters: ['started_at'],
  sort: ['started_at'],
  standard: ['-started_at'],
})
const countLines = listOf(stockCountLines, {
  sort: ['recorded_at'],
  standard: ['-recorded_at'],
})

const getStockCount = query({
  type: 'GetStockCount',
  input: object({ count_id: id(), ...asOfFields }),
  run: (input, reader) => nowOrThen(reader, stockCounts, input.count_id, input),
  answer: countRow,
  route: {
    method: 'GET',
    path: `${COUNTS}/:count_id`,
    tag: COUNTS_TAG,
    summary: 'A count: what it is of, and how far it has come',
  },
})

const listStockCounts = query({
  type: 'ListStockCounts',
  input: object({
    ...countList.fields,
    status: optional(oneOf(COUNT_STATUSES)),
    store_id: storeField,
  }),
  run: ({ status, store_id, ...input }, reader) =>
    countList.page(reader, input, { status, store_id: storeNamed(store_id) }),
  answer: pageAnswer(countRow),
  route: { method: 'GET', path: COUNTS, tag: COUNTS_TAG, summary: 'Counts, the newest first' },
})

const listCountLines = query({
  type: 'ListStockCountLines',
  input: object({
    count_id: id(),
    ...countLines.fields,
    differing: optional(flag({ description: 'Only what the book did not know.' })),
  }),
  run: ({ count_id, differing = false, ...input }, reader) =>
    countLines.page(reader, input, {
      count_id,
      ...(differing ? { adjustment: { not: 0 } } : {}),
    }),
  answer: pageAnswer(rowAnswer(stockCountLines.table)),
  route: {
    method: 'GET',
    path: `${COUNTS}/:count_id/counts`,
    tag: COUNTS_TAG,
    summary: 'What was counted, product by product, beside what the book said',
  },
})

// ── backorders ────────────────────────────────────────────────────────────────────────────────

const backorderList = listOf(backorders, {
  filters: ['since'],
  sort: ['position'],
  standard: ['position'],
})

const listBackorders = query({
  type: 'ListBackorders',
  input: object({
    ...backorderList.fields,
    product_id: optional(id()),
    store_id: storeField,
    reservation_id: optional(id({ description: "An order's reservation has the order's id." })),
  }),
  run: async ({ product_id, store_id, reservation_id, ...input }, reader) => {
    const where = { product_id, store_id: storeNamed(store_id), reservation_id }
    const found = await reader.find(backorders, backorderList.find(input, { where }))
    const items = await withProducts(reader, found.items, ({ code, name, quantity_scale }) => ({
      code: code!,
      name: name!,
      quantity_scale: quantity_scale!,
    }))
    return paged({ ...found, items }, input)
  },
  answer: pageAnswer(
    object({
      reservation_id: id(),
      product_id: id(),
      store_id: id(),
      code: optional(text()),
      name: optional(text({ max: 300 })),
      reserved_quantity: quantity(),
      backordered_quantity: quantity(),
      open_quantity: quantity(),
      quantity_scale: optional(integer()),
      since: text(),
      position: integer(),
      stale: optional(flag()),
    }),
  ),
  route: {
    method: 'GET',
    path: '/api/v1/inventory/backorders',
    tag: 'inventory',
    summary: 'What was promised and has not come yet, those who wait longest first',
  },
})

export const stockWorkQueries: readonly Query[] = [
  getTransfer,
  listTransfers,
  getStockCount,
  listStockCounts,
  listCountLines,
  listBackorders,
]
