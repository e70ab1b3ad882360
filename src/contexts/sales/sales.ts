// The context of the till: the list of what it has.
import type { Context } from '#kernel/context.ts'
import { cashSessionCommands } from './cash-session.ts'
import { cashSessions } from './cash-session-rows.ts'
import { completeSale } from './complete-sale.ts'
import { processSale } from './process-sale.ts'
import { saleRefunds } from './refund-rows.ts'
import { refundSale } from './refund-sale.ts'
import { refundWithoutSale } from './refund-without-sale.ts'
import { register } from './register.ts'
import { looseRefund, sale } from './sale.ts'
import {
  getCashSession,
  getOpenCashSession,
  getSale,
  getSaleRefund,
  listCashSessions,
  listSaleRefunds,
  searchSales,
} from './sale-queries.ts'
import { sales as saleRows } from './sale-rows.ts'
import { saleSteps } from './sale-steps.ts'
import { settleDoubts } from './settle-doubts.ts'

export const sales: Context = {
  name: 'sales',
  aggregates: [sale, looseRefund, register],
  commands: [
    processSale,
    ...saleSteps,
    completeSale,
    refundSale,
    refundWithoutSale,
    ...settleDoubts,
    ...cashSessionCommands,
  ],
  projections: [saleRows, saleRefunds, cashSessions],
  queries: [
    getSale,
    searchSales,
    listSaleRefunds,
    getSaleRefund,
    listCashSessions,
    getCashSession,
    getOpenCashSession,
  ],
  // Its session was closed with the same difference, which the session's row shows.
  unheard: ['CashDifferenceFound'],
}
