// The context of histories: every change of every thing, in words.
import type { Context } from '#kernel/context.ts'
import { historyQuery } from './history-query.ts'
import { told } from './told.ts'
import type { Words } from './words.ts'
import { wordsOfGoods } from './words-of-goods.ts'
import { wordsOfNotices } from './words-of-notices.ts'
import { wordsOfOrders } from './words-of-orders.ts'
import { wordsOfPeople } from './words-of-people.ts'
import { wordsOfPrivacy } from './words-of-privacy.ts'

export const words: Words = {
  ...wordsOfGoods,
  ...wordsOfOrders,
  ...wordsOfPeople,
  ...wordsOfPrivacy,
  ...wordsOfNotices,
}

export const history: Context = {
  name: 'history',
  aggregates: [],
  commands: [],
  projections: [],
  queries: told.map((each) => historyQuery(each, words)),
}
