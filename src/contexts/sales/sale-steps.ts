// A sale that goes on: started, lines added and removed, set aside and taken up again, given up. A
// line has the price of when it was added: that is what the customer was shown. Taxes and
// discounts of the whole cart are reckoned at the end, by the rules of then.
import { currencyTrouble, standardCurrency } from '#contexts/pricing/public.ts'
import { openStore, store } from '#contexts/stores/public.ts'
import {
  accept,
  already,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import {
  type Infer,
  id,
  integer,
  list,
  money,
  nullable,
  object,
  optional,
  quantity,
  text,
  uuid,
} from '#kernel/schema.ts'
import { registerTrouble } from './booking.ts'
import { placeFields, placeOf } from './process-sale.ts'
import { type SaleState, sale } from './sale.ts'
import { currency, LINES_MAX, REASON_MAX } from './sale-fields.ts'
import { cartLines, itemInput, itemNames, itemRefs } from './sale-items.ts'

const tag = 'sales'
const path = '/api/v1/sales'
const saleInput = { sale_id: id() }
const stateAnswer = object({
  sale_id: id(),
  status: text(),
  store_id: id(),
  register_id: id(),
  customer_id: nullable(id()),
  currency,
  items: list(
    object({
      line: integer(),
      product_id: id(),
      code: text(),
      name: text(),
      quantity: quantity(),
      quantity_scale: integer(),
      unit_price_minor: money(),
    }),
  ),
})

type Shown = Pick<
  SaleState,
  'status' | 'store_id' | 'register_id' | 'customer_id' | 'currency' | 'cart'
>
/** The sale as it is after a decision. */
const answered = (sale_id: string, state: Shown): Infer<typeof stateAnswer> => ({
  sale_id,
  status: state.status,
  store_id: state.store_id,
  register_id: state.register_id,
  customer_id: state.customer_id,
  currency: state.currency,
  items: state.cart.map(
    ({ line, product_id, code, name, quantity, quantity_scale, unit_price_minor }) => ({
      ...{ line, product_id, code, name, quantity, quantity_scale, unit_price_minor },
    }),
  ),
})

/** The sale, if it is in one of these states. */
export function saleIn(
  given: Given,
  sale_id: string,
  ...allowed: readonly SaleState['status'][]
): SaleState | Rejected {
  const state = given.state(sale.at(sale_id))
  if (state === null) return noSuch('sale', sale_id)
  if (allowed.includes(state.status)) return state
  const hint = state.status === 'COMPLETED' ? '; what comes back is refunded' : ''
  return reject('invalid_state', `Sale ${sale_id} is ${state.status}${hint}.`, {
    details: { status: state.status },
  })
}

const startSale = command({
  type: 'StartSale',
  input: object({ sale_id: optional(uuid()), ...placeFields }),
  creates: 'sale_id',
  reads: (input) => [sale.at(input.sale_id!), store.seen(placeOf(input).store_id)],
  decide: (input, given, moment) => {
    const sale_id = input.sale_id!
    if (given.state(sale.at(sale_id)) !== null) return already('a sale', sale_id)
    const place = placeOf(input)
    const wrong = registerTrouble(place.register_id)
    if (wrong !== null) return wrong
    const opened = openStore(given, moment, place.store_id)
    if ('rejected' in opened) return opened
    const { settings, now } = moment
    const currency = input.currency ?? standardCurrency(settings)
    const notTaken = currencyTrouble(currency, settings)
    if (notTaken !== null) return invalid({ currency: notTaken })
    const started = { ...place, currency }
    const event = sale.event('SaleStarted', {
      ...{ sale_id, ...started, user_id: moment.user_id ?? null, started_at: now },
    })
    return accept(
      [sale.write(sale_id, [event]), ...opened.writes],
      answered(sale_id, { ...started, status: 'STARTED', cart: [] }),
    )
  },
  answer: stateAnswer,
  route: { method: 'POST', path: `${path}/start`, status: 201, tag, summary: 'Begin a sale' },
})

const addInput = object({ ...saleInput, ...itemInput.properties })

const addSaleItem = command({
  type: 'AddSaleItem',
  input: addInput,
  names: (input) => itemNames([input]),
  reads: (input) => [sale.at(input.sale_id), ...itemRefs([input])],
  decide: decideAdd,
  answer: stateAnswer,
  route: {
    method: 'POST',
    path: `${path}/:sale_id/items`,
    status: 201,
    tag,
    summary: 'Add a line to a sale that goes on',
  },
})

function decideAdd(input: Infer<typeof addInput>, given: Given, moment: Moment): Decision {
  const { sale_id, ...item } = input
  const state = saleIn(given, sale_id, 'STARTED')
  if ('rejected' in state) return state
  if (state.cart.length >= LINES_MAX)
    return reject('business_rule_violated', `A sale has at most ${LINES_MAX} lines.`)
  const { currency, last_line } = state
  const when = { at: moment.now, isFact: false, settings: moment.settings }
  const cart = cartLines([item], given, when, { currency, after: last_line, at: '' })
  if (!('lines' in cart)) return cart
  const [line] = cart.lines
  const added = sale.event('SaleItemAdded', { sale_id, currency, ...line! })
  const after = { ...state, cart: [...state.cart, line!] }
  return accept([sale.write(sale_id, [added])], answered(sale_id, after))
}

const removeSaleItem = command({
  type: 'RemoveSaleItem',
  input: object({ ...saleInput, line: integer({ min: 1 }) }),
  reads: ({ sale_id }) => [sale.at(sale_id)],
  decide: ({ sale_id, line }, given) => {
    const state = saleIn(given, sale_id, 'STARTED')
    if ('rejected' in state) return state
    const after = { ...state, cart: state.cart.filter((each) => each.line !== line) }
    if (after.cart.length < state.cart.length) {
      const removed = sale.event('SaleItemRemoved', { sale_id, line })
      return accept([sale.write(sale_id, [removed])], answered(sale_id, after))
    }
    // Asked twice, done once; a line that never was is another matter.
    if (line <= state.last_line) return accept([], answered(sale_id, state))
    return reject('not_found', `Sale ${sale_id} has no line ${line}.`)
  },
  answer: stateAnswer,
  route: {
    method: 'DELETE',
    path: `${path}/:sale_id/items/:line`,
    tag,
    summary: 'Take a line off a sale that goes on',
  },
})

const reasonInput = { reason: optional(nullable(text({ max: REASON_MAX }))) }

const suspendSale = command({
  type: 'SuspendSale',
  input: object({ ...saleInput, ...reasonInput }),
  reads: ({ sale_id }) => [sale.at(sale_id)],
  decide: ({ sale_id, reason = null }, given) => {
    const state = saleIn(given, sale_id, 'STARTED', 'SUSPENDED')
    if ('rejected' in state) return state
    if (state.status === 'SUSPENDED') return accept([], answered(sale_id, state))
    const suspended = sale.event('SaleSuspended', { sale_id, reason })
    const after = answered(sale_id, { ...state, status: 'SUSPENDED' })
    return accept([sale.write(sale_id, [suspended])], after)
  },
  answer: stateAnswer,
  route: { method: 'POST', path: `${path}/:sale_id/suspend`, tag, summary: 'Set a sale aside' },
})

const resumeSale = command({
  type: 'ResumeSale',
  input: object({ ...saleInput, register_id: placeFields.register_id }),
  reads: ({ sale_id }) => [sale.at(sale_id)],
  decide: ({ sale_id, register_id: wanted }, given) => {
    const state = saleIn(given, sale_id, 'STARTED', 'SUSPENDED')
    if ('rejected' in state) return state
    const register_id = wanted ?? state.register_id
    const wrong = registerTrouble(register_id)
    if (wrong !== null) return wrong
    if (state.status === 'STARTED' && state.register_id === register_id)
      return accept([], answered(sale_id, state))
    const resumed = sale.event('SaleResumed', { sale_id, register_id })
    const after = answered(sale_id, { ...state, status: 'STARTED', register_id })
    return accept([sale.write(sale_id, [resumed])], after)
  },
  answer: stateAnswer,
  route: {
    method: 'POST',
    path: `${path}/:sale_id/resume`,
    tag,
    summary: 'Go on with a sale, at any register of its store',
  },
})

const voidSale = command({
  type: 'VoidSale',
  input: object({ ...saleInput, ...reasonInput }),
  reads: ({ sale_id }) => [sale.at(sale_id)],
  decide: ({ sale_id, reason = null }, given, { now, user_id = null }) => {
    const state = saleIn(given, sale_id, 'STARTED', 'SUSPENDED', 'VOIDED')
    if ('rejected' in state) return state
    if (state.status === 'VOIDED') return accept([], answered(sale_id, state))
    const voided = sale.event('SaleVoided', { sale_id, reason, user_id, voided_at: now })
    const after = answered(sale_id, { ...state, status: 'VOIDED', cart: [] })
    return accept([sale.write(sale_id, [voided])], after)
  },
  answer: stateAnswer,
  route: {
    method: 'POST',
    path: `${path}/:sale_id/void`,
    tag,
    summary: 'Give up a sale that is not completed; it takes no number',
  },
})

export const saleSteps: readonly Command[] = [
  startSale,
  addSaleItem,
  removeSaleItem,
  suspendSale,
  resumeSale,
  voidSale,
]
