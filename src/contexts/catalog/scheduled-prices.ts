// Prices to come as rows, and the waiting for their time.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { CAUSE_COLUMNS, type Cause, causeOf, type Waiting, waiting } from '#kernel/waiting.ts'

export type ScheduledPriceRow = Cause & {
  readonly schedule_id: string
  readonly product_id: string
  readonly status: 'scheduled' | 'in_force' | 'cancelled'
  readonly effective_at: string
  /** null: nothing is to be done any more. */
  readonly due_at: string | null
  /** null: it stays. */
  readonly sell_price_minor: number | null
  /** Whether it changes the cost, which may become unknown. */
  readonly changes_cost: boolean
  readonly cost_price_minor: number | null
  readonly currency: string
  readonly scheduled_by: string | null
  readonly scheduled_at: string
  readonly ended_at: string | null
}

export const scheduledPrices = projection<ScheduledPriceRow>({
  name: 'scheduled_prices',
  version: 2,
  table: {
    name: 'scheduled_prices',
    key: 'schedule_id',
    columns: {
      schedule_id: 'text',
      product_id: 'text',
      status: 'text',
      effective_at: 'instant',
      due_at: { kind: 'instant', nullable: true },
      sell_price_minor: { kind: 'money', nullable: true },
      changes_cost: 'bool',
      cost_price_minor: { kind: 'money', nullable: true },
      currency: 'text',
      scheduled_by: { kind: 'text', nullable: true },
      scheduled_at: 'instant',
      ended_at: { kind: 'instant', nullable: true },
      ...CAUSE_COLUMNS,
    },
    indexes: [['due_at'], ['product_id', 'effective_at']],
  },
  on: {
    ProductPriceScheduled: {
      keys: ({ data }) => [data.schedule_id],
      apply(_, event) {
        const { data, timestamp } = event
        return {
          ...data,
          status: 'scheduled',
          due_at: data.effective_at,
          sell_price_minor: data.sell_price_minor ?? null,
          changes_cost: data.cost_price_minor !== undefined,
          cost_price_minor: data.cost_price_minor ?? null,
          scheduled_at: timestamp,
          ended_at: null,
          ...causeOf(event),
        }
      },
    },
    ProductPriceChanged: ended('in_force'),
    ScheduledPriceCancelled: ended('cancelled'),
  },
})

function ended(status: ScheduledPriceRow['status']): Handler<ScheduledPriceRow> {
  return {
    keys: ({ data: { schedule_id } }: Recorded<{ schedule_id?: string }>) =>
      schedule_id === undefined ? [] : [schedule_id],
    apply: (row, { timestamp }) => row && { ...row, status, due_at: null, ended_at: timestamp },
  }
}

export const priceTimes: Waiting = waiting<ScheduledPriceRow>({
  name: 'price-times',
  projection: scheduledPrices,
  due: 'due_at',
  act: async ({ schedule_id, product_id }, { send, derivedId }) => {
    const meta = { command_id: derivedId(schedule_id, 'apply'), source: 'sweeper' }
    const outcome = await send('ApplyScheduledPrice', { product_id, schedule_id }, meta)
    if (!outcome.ok)
      throw new Error(`Price ${schedule_id} did not take effect: ${outcome.rejection.message}`)
  },
})
