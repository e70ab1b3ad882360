// What a sale and a refund have in common when they are booked: the place, the number, the entry at
// the register, the goods and the customer's account.
import { product } from '#contexts/catalog/public.ts'
import {
  type AccountWarning,
  customer,
  hasAccount,
  moveBalance,
} from '#contexts/customers/public.ts'
import {
  type SoldLine,
  type StockWarning,
  sellStock,
  stockRefs,
} from '#contexts/inventory/public.ts'
import { businessDay, openStore, store, storeState } from '#contexts/stores/public.ts'
import {
  type Asked,
  ask,
  type Given,
  invalid,
  type Moment,
  type Ref,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import type { Doubt } from './doubts.ts'
import { type Register, register, registerKey, type Session } from './register.ts'
import { onAccount } from './sale.ts'
import { REGISTER_MAX, type Tender } from './sale-fields.ts'
import type { When } from './sale-items.ts'
import { momentAt } from './sale-moment.ts'
import { nextNumber, REFUND_FORMAT, SALE_FORMAT } from './sale-number.ts'

export const MAIN_REGISTER = 'main'
const REGISTER = new RegExp(`^[A-Za-z0-9_]{1,${REGISTER_MAX}}$`)

export type Place = { readonly store_id: string; readonly register_id: string }

/** Parts of numbers, which would be ambiguous otherwise. */
export const registerTrouble = (register_id: string): Rejected | null =>
  REGISTER.test(register_id)
    ? null
    : invalid({ register_id: `must be up to ${REGISTER_MAX} letters, digits or _` })

export type ToBook = Place & {
  readonly entry: 'sale' | 'refund'
  readonly document_id: string
  /** The stream of the sale or refund: it owns the number. */
  readonly stream: string
  readonly customer_id: string | null
  readonly currency: string
  /** Goods that go; those that come back are negative. */
  readonly goods: readonly SoldLine[]
  /** As they are told to people, positive. */
  readonly tenders: readonly Tender[]
  readonly reason: string | null
  /** What is on credit may stand in the document alone, where no account can take it. */
  readonly off_account: boolean
}
export type Booked = {
  readonly document_number: string
  readonly business_day: string
  readonly writes: readonly Write[]
  readonly claims: readonly Claim[]
  readonly warnings: readonly StockWarning[]
  readonly account_warnings: readonly AccountWarning[]
  /** The place and the account; what is doubtful of goods and payment others know. */
  readonly doubts: readonly Doubt[]
  /** Of the customer whose account moved; null: none did. */
  readonly balance_minor: number | null
}

export const placeRefs = ({ store_id, register_id }: Place): readonly Ref[] => [
  register.at(registerKey(store_id, register_id)),
  store.seen(store_id),
]

/** Everything that `booked` looks at. */
export const bookingRefs = (
  place: Place,
  customer_id: string | null,
  goods: readonly { readonly product_id: string }[],
): readonly Ref[] => [
  ...placeRefs(place),
  ...(customer_id === null ? [] : [customer.at(customer_id)]),
  ...goods.map(({ product_id }) => product.seen(product_id)),
  ...stockRefs(goods.map(({ product_id }) => ({ product_id, store_id: place.store_id }))),
]

/** Reads what is not read yet. */
export function lackingOf(given: Given, refs: readonly Ref[]): Asked | null {
  const lacking = given.lacking(refs)
  return lacking.length === 0 ? null : ask(lacking)
}

export function booked(
  given: Given,
  moment: Moment,
  when: When,
  wanted: ToBook,
): Booked | Rejected | Asked {
  const { store_id, register_id, goods, currency, tenders, entry } = wanted
  const asked = lackingOf(given, bookingRefs(wanted, wanted.customer_id, goods))
  if (asked !== null) return asked
  const opened = openedAt(given, moment, when, store_id)
  if ('rejected' in opened) return opened
  const key = registerKey(store_id, register_id)
  const till = given.state(register.at(key))
  if (till.session === null && !when.isFact && moment.settings['pos.require_session'] === true)
    return reject('invalid_state', `No cash session is open at register ${register_id}.`)

  const timezone = storeState(given, store_id)?.timezone ?? 'UTC'
  const day = businessDay(moment.now, timezone)
  const number = nextNumber(
    moment.settings[entry === 'sale' ? 'pos.number_format' : 'pos.refund_number_format'],
    entry === 'sale' ? SALE_FORMAT : REFUND_FORMAT,
    { store_id, register_id, day },
    till,
  )
  const moved = movedBy(given, moment, when, wanted, number.document_number)
  if (!('warnings' in moved)) return moved
  const made = register.event(
    'RegisterEntryMade',
    {
      ...{ store_id, register_id, entry, currency, ...number },
      document_id: wanted.document_id,
      tenders: tenders.map(({ type, amount_minor }) => ({
        type,
        amount_minor: entry === 'sale' ? amount_minor : -amount_minor,
      })),
      session_id: sessionOf(till, when)?.session_id ?? null,
    },
    when.isFact ? when.at : undefined,
  )
  return {
    document_number: number.document_number,
    business_day: businessDay(when.at, timezone),
    writes: [register.write(key, [made]), ...moved.writes, ...opened.writes],
    claims: [{ scope: 'sale_number', value: number.document_number, owner: wanted.stream }],
    warnings: moved.warnings,
    account_warnings: moved.account_warnings,
    doubts: [...opened.doubts, ...moved.doubts],
    balance_minor: moved.balance_minor,
  }
}

/** What was rung up before the drawer was filled anew is not in it. */
const sessionOf = ({ session }: Register, { at, isFact }: When): Session | null =>
  session === null || (isFact && at < session.opened_at) ? null : session

/** A sale that was rung up happened, whatever became of its shop since. */
export function openedAt(given: Given, { settings }: Moment, when: When, store_id: string) {
  const known = storeState(given, store_id)
  if (when.isFact && known !== null)
    return { writes: [], doubts: known.is_active ? [] : (['store_closed'] as const) }
  const creates = when.isFact ? { 'stores.auto_create': true } : {}
  const opened = openStore(given, { settings: { ...settings, ...creates } }, store_id)
  if ('rejected' in opened) return opened
  return { ...opened, doubts: when.isFact ? (['store_unknown'] as const) : [] }
}

type Moved = Pick<Booked, 'writes' | 'warnings' | 'account_warnings' | 'doubts' | 'balance_minor'>

/** The goods and the account. */
function movedBy(
  given: Given,
  moment: Moment,
  when: When,
  { store_id, goods, customer_id, tenders, currency, entry, reason, off_account }: ToBook,
  reference: string,
): Moved | Rejected | Asked {
  const at = momentAt(moment, when)
  const isSale = entry === 'sale'
  const stock = sellStock(
    given,
    {
      store_id,
      lines: goods,
      reason: isSale ? 'sale' : 'sale_refund',
      reference,
      policy: policyOf(when),
    },
    at,
  )
  if (!('writes' in stock)) return stock
  const credit = onAccount(tenders)
  const still = { ...stock, account_warnings: [], doubts: [], balance_minor: null }
  if (credit === 0) return still
  const doubt = accountDoubt(given, customer_id, currency)
  // It is owed all the same: whom it is to be asked of, or at which rate, a person decides.
  if (off_account && doubt !== null) return { ...still, doubts: [doubt] }
  if (customer_id === null)
    return invalid({ customer_id: 'is required: somebody must owe what is on credit' })
  const moved = moveBalance(
    given,
    {
      ...{ customer_id, currency, reference, reason },
      amount_minor: isSale ? credit : -credit,
      cause: isSale ? 'sale' : 'refund',
      is_fact: when.isFact,
    },
    at,
  )
  if ('rejected' in moved) return moved
  return {
    writes: [...stock.writes, ...moved.writes],
    warnings: stock.warnings,
    account_warnings: moved.warnings,
    doubts: moved.warnings,
    balance_minor: moved.balance_minor,
  }
}

/** Why no account takes what is on credit; null: one does. */
function accountDoubt(given: Given, customer_id: string | null, currency: string): Doubt | null {
  if (customer_id === null) return 'debtor_unknown'
  const state = given.state(customer.at(customer_id))
  return hasAccount(state) && state.currency !== currency ? 'account_currency_differs' : null
}

/** What is out of the door cannot be blocked. */
function policyOf({ isFact, settings }: When): 'allow' | 'warn' | 'block' {
  const policy = settings['pos.stock_policy']
  if (policy === 'allow') return 'allow'
  return policy === 'block' && !isFact ? 'block' : 'warn'
}
