// What operators are written about: which events, and in which words. None of it tells of a person.
import type { Recorded } from '#kernel/message.ts'
import { exponentOf, unscaled } from '#kernel/money.ts'
import { discrepancyFound } from './templates/discrepancy.ts'
import { lowStock } from './templates/low-stock.ts'
import { needsAttention } from './templates/needs-attention.ts'
import type { Letter } from './templates/template.ts'

type Data = Readonly<Record<string, unknown>>
type Words = (data: Data, shop: string) => Letter | null

const said = (value: unknown) => (value === undefined || value === null ? '–' : String(value))
const units = (value: unknown, scale: unknown) =>
  typeof value === 'number' ? unscaled(value, typeof scale === 'number' ? scale : 0) : '–'

const money = (minor: unknown, currency: unknown) =>
  `${units(minor, exponentOf(said(currency)))} ${said(currency)}`

/** Its tries go on, or it is left to a person: either way somebody has to look. */
function stuck(what: string, idField: string, doing: (data: Data) => string): Words {
  return (data, shop) =>
    needsAttention({ shop, what, id: said(data[idField]), why: `${doing(data)} does not succeed` })
}

/** Told late, and at odds with the book: it is booked, and somebody has to look. */
const doubted =
  (what: string, numberField: string): Words =>
  (data, shop) =>
    Array.isArray(data.doubts)
      ? needsAttention({
          shop,
          what,
          id: said(data[numberField]),
          why: `it was told late, and is doubtful: ${data.doubts.join(', ').replaceAll('_', ' ')}`,
        })
      : null

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
  SagaStepFailed: stuck('The process', 'saga_id', ({ step }) => `the step ${said(step)}`),
  PaymentOutcomeUnknown: stuck('The payment', 'payment_id', ({ operation }) => said(operation)),
  PaymentRefundRequested: stuck('The payment', 'payment_id', () => 'a refund that is owed'),
  PaymentRefundOwed: (data, shop) =>
    needsAttention({
      shop,
      what: 'The payment',
      id: said(data.payment_id),
      why: `${money(data.amount_minor, data.currency)} to be given back where it was taken`,
    }),
  CustomerAccountOpened: (data, shop) =>
    // Nobody is to be asked who somebody forgotten was.
    data.is_erased === true
      ? null
      : needsAttention({
          shop,
          what: 'The account',
          id: said(data.customer_id),
          why: 'it was opened by a late sale, and nobody is registered under it',
        }),
  SaleCompleted: doubted('The sale', 'sale_number'),
  SaleRefunded: doubted('The refund', 'refund_number'),
  ShipmentOutcomeUnknown: stuck('The shipment', 'shipment_id', ({ operation }) => said(operation)),
  ShipmentOperationFailed: stuck('The shipment', 'shipment_id', ({ operation }) => said(operation)),
  WebhookPaused: (data, shop) =>
    needsAttention({
      shop,
      what: 'The webhook',
      id: said(data.webhook_id),
      why: `it is paused, ${data.reason === 'gone' ? 'its receiver has gone' : 'deliveries fail'}`,
    }),
}

/** Every sale is one of these, and hardly any is news. */
const OFTEN = new Set(['SaleCompleted', 'SaleRefunded'])
export const isAlert = ({ event_type, data }: Pick<Recorded, 'event_type' | 'data'>): boolean =>
  Object.hasOwn(WORDS, event_type) &&
  (!OFTEN.has(event_type) || (data as Data).doubts !== undefined)

/** Those that say it with every further try. */
const REPEATED: Readonly<Record<string, (data: Data) => unknown>> = {
  SagaStepFailed: ({ step, compensation }) => `${said(step)} ${said(compensation)}`,
  PaymentOutcomeUnknown: ({ operation_id }) => operation_id,
  PaymentRefundRequested: () => 'owed',
  ShipmentOutcomeUnknown: ({ operation_id }) => operation_id,
}

/** null: nothing that anybody has to do. */
export function alertOf({ event_type, data }: Recorded, shop: string): Letter | null {
  const about = data as Data
  if (Object.hasOwn(REPEATED, event_type) && about.needs_attention !== true) return null
  return WORDS[event_type]?.(about, shop) ?? null
}

/** Whether the same thing was told by an event before it; `before`: its stream up to it. */
export function isTold(event: Recorded, before: readonly Recorded[]): boolean {
  const same = REPEATED[event.event_type]
  if (same === undefined) return false
  const about = same(event.data as Data)
  return before.some(
    ({ event_type, version, data }) =>
      version < event.version &&
      event_type === event.event_type &&
      (data as Data).needs_attention === true &&
      same(data as Data) === about,
  )
}
