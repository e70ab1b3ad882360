// The settings of the shop's rules: money, stock, orders, payments.
import { TAX_ENTRY } from '#contexts/pricing/public.ts'
import { setting } from './setting.ts'
import { decimal, flag, listOf, matching, oneOf, word } from './setting-kinds.ts'

const CURRENCY = matching(/^[A-Z]{3}$/, 'an ISO 4217 code such as USD')
const TAX = matching(TAX_ENTRY, 'an entry such as standard:VAT:20 or standard@Germany:MwSt:19')
// The number must be in it, or all orders would be called the same.
const NUMBER_FORMAT = matching(
  /^(?=.*\{seq(:[1-9][0-9]?)?\})([A-Za-z0-9._/#-]|\{(yyyy|mm|dd|seq(:[1-9][0-9]?)?)\}){1,100}$/,
  'letters, digits and ._/#- with {seq} or {seq:3}, and {yyyy}, {mm}, {dd} if wanted',
)

export const shop = {
  'money.currencies': setting(
    listOf(CURRENCY, 1),
    ['USD', 'EUR', 'GBP', 'INR'],
    'Currencies that prices and orders may have.',
  ),
  'money.default': setting(CURRENCY, 'USD', 'The currency where none is named.'),
  'money.rounding': setting(
    oneOf(['half_up', 'half_even']),
    'half_up',
    'How a line is rounded to the minor unit.',
  ),
  'money.taxes': setting(
    listOf(TAX),
    [],
    'Taxes that are due: `class:name:percent`, or `class@country:name:percent` where a country has ' +
      'its own. A product of no class is `standard`. None: no taxes.',
  ),
  'money.prices_include_tax': setting(flag, true, 'Whether prices have the taxes in already.'),
  'money.tax_level': setting(
    oneOf(['line', 'total']),
    'line',
    '`line`: taxes are rounded on each line. `total`: once per rate, shared out over the lines.',
  ),
  'catalog.enrich_with_inventory': setting(flag, true, 'Shows stock with products.'),
  'stores.auto_create': setting(
    flag,
    false,
    'Opens a store when stock is booked into an unknown one.',
  ),
  'inventory.negative': setting(
    flag,
    false,
    'Lets requests, not only facts, bring stock below zero.',
  ),
  'orders.number_format': setting(NUMBER_FORMAT, 'ORD-{yyyy}-{seq:3}', 'How order numbers look.'),
  'orders.client_price': setting(
    oneOf(['check', 'accept']),
    'check',
    "`check`: a price in an order must be the one in force. `accept`: the client's price counts.",
  ),
  'orders.require_customer': setting(
    flag,
    false,
    'Refuses orders of customers that are not registered. Imports may bring any.',
  ),
  'payments.provider': setting(oneOf(['simulator']), 'simulator', 'Who moves the money.'),
  'payments.capture_on': setting(
    oneOf(['confirm', 'ship', 'manual']),
    'confirm',
    'When an authorized payment is captured.',
  ),
  'payments.methods': setting(
    listOf(word, 1),
    ['credit_card', 'debit_card', 'net_banking', 'upi', 'wallet'],
    'Payment methods that are taken.',
  ),
  'payments.default_method': setting(
    matching(/^([a-z][a-z0-9_]{0,49})?$/, 'one of payments.methods, or empty'),
    'credit_card',
    'Pays an order that names no method. Empty: such an order waits for its payment.',
  ),
  'analytics.week_starts': setting(
    oneOf(['monday', 'sunday', 'saturday']),
    'monday',
    'The first day of the weeks that sales are summed up by. ISO weeks begin on Monday.',
  ),
  'simulator.faults': setting(
    decimal(0, 0.9),
    0,
    'Calls to the built-in provider and carrier that get lost, lose their answer, arrive twice or ' +
      'are slow, as a share of all. For trying out.',
  ),
} as const
