// Somebody has looked into a discrepancy and says what was done about it. What had to be done to
// stock, reservations or orders are commands of their own.
import { accept, command, invalid, noSuch, reject } from '#kernel/decider.ts'
import { id, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { ACTIONS, DISCREPANCY_STATUSES, discrepancy, NOTE_MAX } from './discrepancy.ts'

export const DISCREPANCIES = '/api/v1/inventory/discrepancies'
const BY_MAX = 200

export const resolveDiscrepancy = command({
  type: 'ResolveDiscrepancy',
  input: object({
    discrepancy_id: id(),
    action: oneOf(ACTIONS),
    note: optional(text({ max: NOTE_MAX })),
    by: optional(
      text({ max: BY_MAX, description: 'Who says so; absent: `user_id`.', example: 'marta' }),
    ),
  }),
  reads: ({ discrepancy_id }) => [discrepancy.at(discrepancy_id)],
  decide: ({ discrepancy_id, action, note = null, by }, given, { user_id }) => {
    const state = given.state(discrepancy.at(discrepancy_id))
    if (state === null) return noSuch('discrepancy', discrepancy_id)
    const resolved_by = by ?? user_id
    if (resolved_by === undefined) return invalid({ by: 'is required, or user_id' })
    if (state.status === 'RESOLVED')
      return reject('invalid_state', `Discrepancy ${discrepancy_id} is RESOLVED.`, {
        details: { status: state.status },
      })
    const { product_id, store_id } = state
    const data = { discrepancy_id, product_id, store_id, action, note, resolved_by }
    const resolved = discrepancy.event('StockDiscrepancyResolved', data)
    const response = { ...data, status: 'RESOLVED' }
    return accept([discrepancy.write(discrepancy_id, [resolved])], response)
  },
  answer: object({
    discrepancy_id: id(),
    status: oneOf(DISCREPANCY_STATUSES),
    product_id: id(),
    store_id: id(),
    action: oneOf(ACTIONS),
    note: nullable(text({ max: NOTE_MAX })),
    resolved_by: text({ max: BY_MAX }),
  }),
  route: {
    method: 'POST',
    path: `${DISCREPANCIES}/:discrepancy_id/resolve`,
    tag: 'discrepancies',
    summary: 'Say what was done about a discrepancy',
  },
})
