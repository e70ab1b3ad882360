// What operators are written about: which events, and in which words. None of it tells of a person.
import type { Recorded } from '#kernel/message.ts'
import { unscaled } from '#kernel/money.ts'
import { discrepancyFound } from './templates/discrepancy.ts'
import { lowStock } from './templates/low-stock.ts'
import { needsAttention } from './templates/needs-attention.ts'
import type { Letter } from './templates/template.ts'

type Data = Readonly<Record<string, unknown>>
type Words = (data: Data, shop: string) => Letter | null

const said = (value: unknown) => (value === undefined || value === null ? '–' : String(value))
const units = (value: unknown, scale: unknown) =>
  typeof value === 'number' ? unscaled(value, typeof scale === 'number' ? scale : 0) : '–'

const WORDS: Readonly<Record<string, Words>> = {
  LowStockReached: (data, shop) =>
    lowStock({
      shop,
      product_id: said(data.product_id),
      store_id: said(data.store_id),
      available: units(data.available_quantity, data.quantity_scale),
      threshold: units(data.threshold, data.quantity_scale),
    }),
  StockDiscrepancyDetected: (data, shop) =>
    discrepancyFound({
      shop,
      product_id: said(data.product_id),
      store_id: said(data.store_id),
      kind: said(data.kind).replaceAll('_', ' '),
    }),
  // Those that compensate by themselves are nobody's work.
  SagaFailed: (data, shop) =>
    data.outcome === 'needs_attention'
      ? needsAttention({
          shop,
          what: 'The process',
          id: said(data.saga_id),
          why: said(data.reason),
        })
      : null,
  SagaStepFailed: (data, shop) =>
    data.needs_attention === true
      ? needsAttention({
          shop,
          what: 'The process',
          id: said(data.saga_id),
          why: `the step ${said(data.step)} has failed ${said(data.attempt)} times`,
        })
      : null,
  WebhookPaused: (data, shop) =>
    needsAttention({
      shop,
      what: 'The webhook',
      id: said(data.webhook_id),
      why: `it is paused, ${data.reason === 'gone' ? 'its receiver has gone' : 'deliveries fail'}`,
    }),
}

export const ALERTS = Object.keys(WORDS)

/** null: nothing that anybody has to do. */
export const alertOf = ({ event_type, data }: Recorded, shop: string): Letter | null =>
  WORDS[event_type]?.(data as Data, shop) ?? null
