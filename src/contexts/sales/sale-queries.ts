// Questions about sales, refunds and cash sessions.
import { customers } from '#contexts/customers/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import { listOf } from '#kernel/list-of.ts'
import {
  askedMoment,
  asOfFields,
  between,
  nowOrThen,
  pageAnswer,
  rowAnswer,
} from '#kernel/listing.ts'
import { streamOf } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { query, type Reader } from '#kernel/query.ts'
import { day, flag, id, list, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { tillOf } from './cash-session.ts'
import { type CashSessionRow, cashSessions, movement, tenderTotal } from './cash-session-rows.ts'
import { doubtList } from './doubts.ts'
import { saleRefunds } from './refund-rows.ts'
import { register, registerKey } from './register.ts'
import { sale } from './sale.ts'
import { refundedLine, tender } from './sale-fields.ts'
import { SALE_ROW_STATUSES, saleItem, sales } from './sale-rows.ts'

const get = { method: 'GET', tag: 'sales' } as const
const { sale_id, customer_id, original_business_day, currency, country, ...told } =
  sale.events.SaleRefunded.data.properties
const refundFields = { ...told, cause: nullable(told.cause) }

const saleAnswer = object({
  ...rowAnswer(sales.table, {
    shapes: {
      status: oneOf(SALE_ROW_STATUSES),
      items: list(saleItem),
      tenders: list(tender),
      doubts: doubtList,
      refunds: list(object(refundFields)),
    },
  }).properties,
  customer_name: nullable(text()),
})

/** Names stand with the customers alone, so that they are forgotten with them. */
async function named(rows: readonly Row[], reader: Reader): Promise<readonly Row[]> {
  const ids = new Set(rows.map(({ customer_id }) => customer_id).filter((one) => one !== null))
  const where = { customer_id: { in: [...ids] } }
  const found =
    ids.size === 0 ? [] : (await reader.find(customers, { where, limit: ids.size })).items
  const names = new Map(found.map(({ customer_id, name }) => [customer_id, name]))
  return rows.map((row) => ({ ...row, customer_name: names.get(row.customer_id ?? null) ?? null }))
}

export const getSale = query({
  type: 'GetSale',
  input: object({ sale_id: id(), ...asOfFields }),
  run: async (input, reader) => {
    const row = await nowOrThen(reader, sales, input.sale_id, input)
    if (row === null) return null
    const moment = await askedMoment(reader, streamOf('sale', input.sale_id), input)
    if (moment === null || row.customer_id === null) return (await named([row], reader))[0]
    // As it was then, like all the rest; what tells of a person is forgotten there too.
    const customer = await reader.past(customers, String(row.customer_id), moment)
    return { ...row, customer_name: customer?.name ?? null }
  },
  answer: nullable(saleAnswer),
  route: { ...get, path: '/api/v1/sales/:sale_id', summary: 'One sale, now or as it was' },
})

const days = {
  from: optional(day({ description: 'Business day of the store, included.' })),
  to: optional(day({ description: 'Business day of the store, included.' })),
}

const place = { store_id: optional(id()), register_id: optional(id()) }
const storeNamed = (told: string | undefined) => told && storeIdOf(told)

const saleList = listOf(sales, {
  filters: ['started_at', 'completed_at'],
  sort: ['started_at', 'completed_at', 'sale_number', 'status'],
  standard: ['-started_at'],
})

export const searchSales = query({
  type: 'SearchSales',
  input: object({
    ...saleList.fields,
    ...place,
    customer_id: optional(id()),
    user_id: optional(text({ max: 200, description: 'The cashier.' })),
    device_id: optional(id()),
    status: optional(oneOf(SALE_ROW_STATUSES)),
    payment_type: optional(text({ max: 50 })),
    sale_number: optional(text({ max: 250 })),
    doubtful_only: optional(flag({ description: 'That somebody has to look into.' })),
    search_term: optional(text({ max: 100, description: 'A part of the sale number.' })),
    currency: optional(text({ min: 3, max: 3 })),
    ...days,
  }),
  run: async (input, reader) => {
    const { register_id, customer_id, user_id, device_id } = input
    const { status, payment_type, sale_number, currency, search_term, doubtful_only } = input
    const page = await saleList.page(reader, input, {
      ...{ register_id, customer_id, user_id, device_id, status, payment_type, currency },
      store_id: storeNamed(input.store_id),
      is_doubtful: doubtful_only ? true : undefined,
      business_day: between(input.from, input.to),
      // Both hold where both are asked for.
      sale_number: { contains: search_term, eq: sale_number },
    })
    return { ...page, items: await named(page.items, reader) }
  },
  answer: pageAnswer(saleAnswer),
  route: { ...get, path: '/api/v1/sales', summary: 'Sales, the newest first' },
})

const refundAnswer = rowAnswer(saleRefunds.table, {
  shapes: { lines: list(refundedLine), tenders: list(tender), doubts: doubtList },
})
const refundList = listOf(saleRefunds, {
  filters: ['refunded_at'],
  sort: ['refunded_at', 'refund_number'],
  standard: ['-refunded_at'],
})

export const listSaleRefunds = query({
  type: 'ListSaleRefunds',
  input: object({
    ...refundList.fields,
    ...place,
    sale_id: optional(id()),
    customer_id: optional(id()),
    refund_number: optional(text({ max: 250 })),
    doubtful_only: optional(flag({ description: 'Without a sale, to be looked into.' })),
    ...days,
  }),
  run: (input, reader) => {
    const { register_id, sale_id, customer_id, refund_number, doubtful_only } = input
    return refundList.page(reader, input, {
      ...{ register_id, sale_id, customer_id, refund_number },
      store_id: storeNamed(input.store_id),
      is_doubtful: doubtful_only ? true : undefined,
      business_day: between(input.from, input.to),
    })
  },
  answer: pageAnswer(refundAnswer),
  route: {
    ...get,
    path: '/api/v1/sales/refunds',
    summary: 'What came back over the counter, the newest first',
  },
})

const { as_of, as_of_position } = asOfFields

export const getSaleRefund = query({
  type: 'GetSaleRefund',
  input: object({ refund_id: id(), as_of, as_of_position }),
  run: async ({ refund_id, ...asked }, reader) => {
    const row = await reader.get(saleRefunds, refund_id)
    if (row === null) return null
    // It never changes, but it was not there before its time; which stream tells of it, its row
    // knows.
    const stream = row.sale_id === null ? `sale_refund-${refund_id}` : `sale-${row.sale_id}`
    return nowOrThen(reader, { ...saleRefunds, sources: () => [stream] }, refund_id, asked)
  },
  answer: nullable(refundAnswer),
  route: { ...get, path: '/api/v1/sales/refunds/:refund_id', summary: 'One refund' },
})

const cash = { method: 'GET', tag: 'cash sessions' } as const
const sessionAnswer = rowAnswer(cashSessions.table, {
  without: ['opened_version', 'closed_version'],
  shapes: { tenders: list(tenderTotal), movements: list(movement) },
})
const sessionList = listOf(cashSessions, {
  filters: ['opened_at'],
  sort: ['opened_at', 'closed_at'],
  standard: ['-opened_at'],
})

export const listCashSessions = query({
  type: 'ListCashSessions',
  input: object({
    ...sessionList.fields,
    ...place,
    status: optional(oneOf(['OPEN', 'CLOSED'])),
  }),
  run: (input, reader) => {
    const { store_id, register_id, status } = input
    const where = { store_id: storeNamed(store_id), register_id, status }
    return sessionList.page(reader, input, where)
  },
  answer: pageAnswer(sessionAnswer),
  route: {
    ...cash,
    path: '/api/v1/cash-sessions',
    summary: 'Cash sessions with their totals per tender, the newest first',
  },
})

export const getCashSession = query({
  type: 'GetCashSession',
  input: object({ session_id: id(), as_of, as_of_position }),
  run: async ({ session_id, ...asked }, reader) => {
    const row = await reader.get(cashSessions, session_id)
    if (row === null) return null
    // A part of what its register has done, as its row knows.
    const { store_id, register_id, opened_version, closed_version } =
      row as unknown as CashSessionRow
    const { stream } = register.at(registerKey(store_id, register_id))
    const part = { stream, after: opened_version - 1, through: closed_version }
    return nowOrThen(reader, { ...cashSessions, sources: () => [part] }, session_id, asked)
  },
  answer: nullable(sessionAnswer),
  route: {
    ...cash,
    path: '/api/v1/cash-sessions/:session_id',
    summary: 'One cash session, now or as it was: its totals so far, or those it was closed with',
  },
})

export const getOpenCashSession = query({
  type: 'GetOpenCashSession',
  input: object({ register_id: id(), store_id: optional(id()) }),
  run: async (input, reader) => {
    const where = { ...tillOf(input).where, status: 'OPEN' }
    const { items } = await reader.find(cashSessions, { where, limit: 1 })
    return items[0] ?? null
  },
  answer: nullable(sessionAnswer),
  route: {
    ...cash,
    path: '/api/v1/registers/:register_id/session',
    summary: 'The cash session that is open at a register, with its totals so far',
  },
})
