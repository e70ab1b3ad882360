// Events of orders as they were stored before lines had taxes, discounts and departments, and how
// they are read now: what an amount was, was net; the day was the day in UTC. And as they were
// before the words in them were sealed: the same, in clear.

type OldLine = { readonly amount_minor: number }
type Old<L extends OldLine> = {
  readonly placed_at: string
  readonly total_amount_minor: number
  readonly lines: readonly L[]
}

export const liftCreated = <L extends OldLine>(data: Old<L>) => ({
  ...data,
  ...totals(data),
  lines: data.lines.map(priced),
})

/** Its store was not in it, nor can it be known from it. */
export const liftCancelled = <L extends OldLine>(data: Old<L>) => ({
  ...data,
  ...totals(data),
  store_id: null,
  lines: data.lines.map((each, at) => ({ line: at + 1, ...priced(each) })),
})

/** Only how it is stored has changed. */
export const asItWas = <Data>(data: Data): Data => data

const totals = ({ placed_at, total_amount_minor }: Old<OldLine>) => ({
  business_day: placed_at.slice(0, 10),
  net_minor: total_amount_minor,
  tax_minor: 0,
  discount_minor: 0,
})
const priced = <L extends OldLine>(each: L) => ({
  department_id: null,
  ...each,
  net_minor: each.amount_minor,
  tax_minor: 0,
  discount_minor: 0,
  taxes: [],
  discounts: [],
})

const line = {
  product_id: '01900000-0000-7000-8000-00000000c001',
  code: 'CUP',
  quantity: 2,
  quantity_scale: 0,
  amount_minor: 1_000,
}
const about = {
  order_id: '01900000-0000-7000-8000-00000000a001',
  customer_id: '01900000-0000-7000-8000-00000000b001',
  currency: 'USD',
  country: 'Peru',
  total_amount_minor: 1_000,
  placed_at: '2026-03-02T10:00:00.000Z',
}
/** Stored samples of version 1. */
export const oldCreated = {
  ...about,
  order_number: 'ORD-2026-001',
  user_id: null,
  store_id: '00000000-0000-7000-8000-000000000001',
  channel: 'online',
  lines: [{ line: 1, ...line, name: 'A cup', unit_price_minor: 500 }],
  shipping_address: { city: 'Lima' },
  notes: null,
  payment_method: 'credit_card',
  payment_id: '01900000-0000-7000-8000-00000000a001',
}
export const oldCancelled = {
  ...about,
  reason: 'requested',
  cause: 'requested',
  cancelled_at: '2026-03-02T10:05:00.000Z',
  was_confirmed: false,
  lines: [line],
}

const part = { line: 1, ...priced(line), quantity: 1 }
const where = { store_id: oldCreated.store_id, business_day: '2026-03-02' }
/** Stored samples of the last version in clear. */
export const clearCancelled = {
  ...oldCancelled,
  ...totals({ ...about, lines: [] }),
  ...where,
  reason: 'moved away',
  lines: [part],
}
const { total_amount_minor: _, ...counted } = about
export const oldLinesCancelled = {
  ...counted,
  ...where,
  lines: [part],
  amount_minor: 500,
  total_amount_minor: 500,
  reason: 'moved away',
  cancelled_at: '2026-03-02T10:05:00.000Z',
}
export const oldGranted = {
  order_id: about.order_id,
  customer_id: about.customer_id,
  currency: 'USD',
  payment_id: oldCreated.payment_id,
  lines: [{ line: 1, quantity: 1, amount_minor: 500 }],
  amount_minor: 500,
  reason: 'a regular customer',
}
