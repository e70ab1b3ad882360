// The settings of the till.
import { coinIn } from '#contexts/pricing/public.ts'
import { setting } from './setting.ts'
import {
  duration,
  flag,
  integer,
  type Kind,
  listOf,
  matching,
  oneOf,
  word,
} from './setting-kinds.ts'

// Store and register must be in it, or two tills would give the same number; a day without its
// year would come round again.
const TILL_PARTS = matching(
  new RegExp(
    [
      String.raw`^(?=.*\{store\})(?=.*\{register\})(?=.*\{seq(?::[1-9][0-9]?)?\})`,
      String.raw`(?:(?=.*\{yyyy\})|(?!.*\{(?:mm|dd)\}))(?:(?=.*\{mm\})|(?!.*\{dd\}))`,
      String.raw`(?:[A-Za-z0-9._/#-]|\{(?:store|register|yyyy|mm|dd|seq(?::[1-9][0-9]?)?)\}){1,100}$`,
    ].join(''),
  ),
  'letters, digits and ._/#- with {store}, {register} and {seq} or {seq:4}, and {yyyy}, {mm}, ' +
    '{dd} if wanted; one of ./#- between store, register and seq; at most 200 characters once ' +
    'they are filled in',
)
/** Register 1 would give its 11th receipt the number of the first one of register 11. */
const RUN_TOGETHER = /\{(?:store|register|seq)(?::[0-9]+)?\}[^./#-]*\{(?:store|register|seq)/
/** What a customer's account and the stock take as a reference. */
const FILLED_MAX = 200
const LONGEST: Readonly<Record<string, number>> = { store: 36, register: 20, yyyy: 4, seq: 16 }
const filledLength = (format: string): number =>
  format.replace(/\{([a-z]+)(?::([0-9]+))?\}/g, (_, part: string, width = '0') =>
    ' '.repeat(Math.max(LONGEST[part] ?? 2, Number(width))),
  ).length
const TILL_NUMBER: Kind<string> = {
  ...TILL_PARTS,
  read: (raw) => {
    const format = TILL_PARTS.read(raw)
    if (format === undefined || RUN_TOGETHER.test(format)) return undefined
    return filledLength(format) <= FILLED_MAX ? format : undefined
  },
}

const STEP = integer(0, 1_000_000)
const COINS = listOf(
  {
    allowed: 'an entry such as CHF:0.05',
    read: (raw) => {
      const coin = typeof raw === 'string' ? coinIn(raw) : null
      return STEP.read(coin?.step_minor) === undefined ? undefined : String(raw)
    },
  },
  1,
)
const CASH_ROUNDING: Kind<number | readonly string[]> = {
  allowed: `${STEP.allowed}; or ${COINS.allowed}, of one currency each`,
  read: (raw) => {
    const coins = COINS.read(raw)
    const currencies = new Set(coins?.map((entry) => coinIn(entry)?.currency))
    return STEP.read(raw) ?? (currencies.size === coins?.length ? coins : undefined)
  },
}

export const pos = {
  'pos.tenders': setting(
    listOf(word, 1),
    ['cash', 'credit', 'card', 'voucher'],
    "What tills take. `credit` goes on the customer's account.",
  ),
  'pos.stock_policy': setting(
    oneOf(['allow', 'warn', 'block']),
    'warn',
    'A sale of more than is free: `allow` books it, `warn` says so too, `block` refuses it.',
  ),
  'pos.price_override': setting(
    oneOf(['allow', 'refuse']),
    'refuse',
    'Whether a till may sell at another price than the one in force.',
  ),
  'pos.refund_without_original': setting(
    oneOf(['allow', 'refuse']),
    'refuse',
    'Whether goods may come back without the sale that they came from.',
  ),
  'pos.require_session': setting(
    flag,
    false,
    'Refuses sales and refunds at a register without an open cash session.',
  ),
  'pos.fact_after': setting(
    duration('0s', '24h'),
    '1m',
    'A sale, a refund or a movement of goods told this long after its `occurred_at` happened ' +
      'already: it is recorded, whatever prices, limits and stock say. Told sooner, it is judged ' +
      'like any other.',
  ),
  'pos.cash_rounding': setting(
    CASH_ROUNDING,
    0,
    'The smallest coin: what is paid in cash is rounded to it. A number is in minor units and for ' +
      'every currency, 0: no rounding. Entries such as `CHF:0.05` are for one currency each; ' +
      'the others are not rounded.',
  ),
  'pos.number_format': setting(
    TILL_NUMBER,
    '{store}-{register}-{yyyy}{mm}{dd}-{seq:4}',
    'How sale numbers look. They have no gaps within what goes before the number.',
  ),
  'pos.refund_number_format': setting(
    TILL_NUMBER,
    'R-{store}-{register}-{yyyy}{mm}{dd}-{seq:4}',
    'How refund numbers look; without gaps as well.',
  ),
} as const
