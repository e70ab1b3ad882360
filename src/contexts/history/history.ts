// The context of histories: every change of every thing, in words.
import type { Context } from '#kernel/context.ts'
import { historyQuery } from './history-query.ts'
import { told } from './told.ts'
import type { Words } from './words.ts'
import { wordsOfGoods } from './words-of-goods.ts'
import { wordsOfOrders } from './words-of-orders.ts'

export const words: Words = { ...wordsOfGoods, ...wordsOfOrders }

export const history: Context = {
  name: 'history',
  aggregates: [],
  commands: [],
  projections: [],
  queries: told.map((each) => historyQuery(each, words)),
}
