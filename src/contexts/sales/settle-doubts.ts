// Somebody has looked into what was doubtful in a sale or a refund that was told late, and says
// what was done. What had to be done to goods, accounts or the catalogue are commands of their own.
import {
  accept,
  type Command,
  command,
  type Given,
  invalid,
  type Moment,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { id, nullable, object, text } from '#kernel/schema.ts'
import { looseRefund, type SaleState, sale } from './sale.ts'
import { PERSON_MAX, REASON_MAX } from './sale-fields.ts'

const note = text({ max: REASON_MAX, description: 'What was done about it.' })
/** Without the note: an answer is kept as it is, and the note may tell of the customer. */
const answer = object({
  sale_id: nullable(id()),
  refund_id: nullable(id()),
  settled_by: nullable(text({ max: PERSON_MAX })),
})
const route = { method: 'POST', tag: 'sales' } as const

/** Asked twice, done once: what is no longer doubtful stays as it is. */
function settled(
  told: {
    readonly sale_id: string | null
    readonly refund_id: string | null
    readonly note: string
  },
  { customer_id, is_doubtful }: Pick<SaleState, 'customer_id' | 'is_doubtful'>,
  { user_id }: Moment,
) {
  const tidy = told.note.trim()
  if (tidy === '') return invalid({ note: 'must not be blank' })
  const { sale_id, refund_id } = told
  const response = { sale_id, refund_id, settled_by: user_id ?? null }
  const settling = sale.event('SaleDoubtsSettled', { ...response, customer_id, note: tidy })
  const events = is_doubtful ? [settling] : []
  const write =
    sale_id === null ? looseRefund.write(refund_id!, events) : sale.write(sale_id, events)
  return accept([write], response)
}

export const settleDoubts: readonly Command[] = [
  command({
    type: 'SettleSaleDoubts',
    input: object({ sale_id: id(), note }),
    reads: ({ sale_id }) => [sale.at(sale_id)],
    decide: ({ sale_id, note }, given: Given, moment) => {
      const state = given.state(sale.at(sale_id))
      if (state === null) return noSuch('sale', sale_id)
      return settled({ sale_id, refund_id: null, note }, state, moment)
    },
    answer,
    route: {
      ...route,
      path: '/api/v1/sales/:sale_id/settle',
      summary: 'Say what was done about what is doubtful in a sale that was told late',
    },
  }),
  command({
    type: 'SettleRefundDoubts',
    input: object({ refund_id: id(), note }),
    reads: ({ refund_id }) => [looseRefund.at(refund_id)],
    decide: ({ refund_id, note }, given: Given, moment) => {
      const state = given.state(looseRefund.at(refund_id))
      if (state === null)
        return reject('not_found', `There is no refund ${refund_id} that stands by itself.`)
      return settled({ sale_id: null, refund_id, note }, state, moment)
    },
    answer,
    route: {
      ...route,
      path: '/api/v1/sales/refunds/:refund_id/settle',
      summary: 'The same of a refund without a sale',
    },
  }),
]
