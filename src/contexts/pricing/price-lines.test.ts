// The money engine, by examples that can be worked out on paper.
import { deepEqual, equal, throws } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apportion } from './apportion.ts'
import { cashRounded, cashStep, coinIn } from './cash.ts'
import { partOfLine } from './part-of-line.ts'
import { type PricingRules, percentTrouble, priceLines, type Rate } from './price-lines.ts'
import { pricingRules, ratesFor } from './rates.ts'

const LINE: PricingRules = { rounding: 'half_up', tax_level: 'line' }
const TOTAL: PricingRules = { ...LINE, tax_level: 'total' }
const vat = (rate: string, is_inclusive = true): Rate => ({ name: 'VAT', rate, is_inclusive })
const item = (unit_price_minor: number, quantity = 1, rates: readonly Rate[] = []) => ({
  unit_price_minor,
  quantity,
  quantity_scale: 0,
  rates,
  discounts: [],
})
const figures = ({ lines }: ReturnType<typeof priceLines>) =>
  lines.map(({ amount_minor, net_minor, tax_minor }) => [amount_minor, net_minor, tax_minor])

describe('a line', () => {
  test('without taxes costs its price', () => {
    const { lines, totals } = priceLines([item(999, 3)], LINE)
    deepEqual(lines, [
      {
        amount_minor: 2997,
        net_minor: 2997,
        tax_minor: 0,
        discount_minor: 0,
        taxes: [],
        discounts: [],
      },
    ])
    deepEqual(totals, { amount_minor: 2997, net_minor: 2997, tax_minor: 0, discount_minor: 0 })
  })

  test('has its tax in the price, or on top of it', () => {
    deepEqual(figures(priceLines([item(1200, 1, [vat('20')])], LINE)), [[1200, 1000, 200]])
    deepEqual(figures(priceLines([item(1000, 1, [vat('20', false)])], LINE)), [[1200, 1000, 200]])
    // 999 / 1.2 is 832.5: the half goes up in the net.
    deepEqual(figures(priceLines([item(999, 1, [vat('20')])], LINE)), [[999, 833, 166]])
    deepEqual(figures(priceLines([item(1099, 1, [vat('8.875', false)])], LINE)), [[1197, 1099, 98]])
  })

  test('may bear several taxes, in the price and on top, each told by itself', () => {
    const rates = [vat('5'), { name: 'Eco', rate: '2.5', is_inclusive: false }, vat('2')]
    const { lines } = priceLines([item(10_700, 1, rates)], LINE)
    deepEqual(
      lines[0]!.taxes.map(({ name, amount_minor }) => [name, amount_minor]),
      [
        ['VAT', 500],
        ['Eco', 250],
        ['VAT', 200],
      ],
    )
    deepEqual(figures({ lines, totals: lines[0]! }), [[10_950, 10_000, 950]])
  })

  test('counts in the steps of its unit', () => {
    const weighed = { ...item(1299), quantity: 1375, quantity_scale: 3 }
    equal(priceLines([weighed], LINE).totals.amount_minor, 1786)
    equal(priceLines([{ ...item(5), quantity: 5, quantity_scale: 1 }], LINE).totals.amount_minor, 3)
    const even: PricingRules = { ...LINE, rounding: 'half_even' }
    equal(priceLines([{ ...item(5), quantity: 5, quantity_scale: 1 }], even).totals.amount_minor, 2)
  })
})

describe('a discount', () => {
  const off = (...discounts: Parameters<typeof priceLines>[2] & object) =>
    priceLines([{ ...item(1000, 2), discounts }], LINE).lines[0]!

  test('that comes to nothing is not told', () => {
    deepEqual(off({ name: 'nothing', percent: '0' }).discounts, [])
    const { lines } = priceLines([item(100), item(0)], LINE, [{ name: 'v', amount_minor: 10 }])
    deepEqual(
      lines.map(({ discounts }) => discounts.length),
      [1, 0],
    )
  })

  test('is rounded as the shop rounds', () => {
    const half = (rounding: PricingRules['rounding'], price: number) => {
      const discounts = [{ name: 'half', percent: '50' }]
      return priceLines([{ ...item(price), discounts }], { ...LINE, rounding }).totals
        .discount_minor
    }
    // 1.5, 2.5 and 3.5.
    deepEqual([half('half_up', 3), half('half_up', 5), half('half_up', 7)], [2, 3, 4])
    deepEqual([half('half_even', 3), half('half_even', 5), half('half_even', 7)], [2, 2, 4])
    deepEqual([half('half_up', 4), half('half_even', 6)], [2, 3])
  })

  test('has to be a percentage', () => {
    for (const percent of ['ten', '-10', '1.00001'])
      throws(() => off({ name: 'wrong', percent }), new RegExp(`${percent} is not a percentage`))
  })

  test('is a percentage of what is left, or an amount; they follow one another', () => {
    equal(off({ name: 'ten', percent: '10' }).amount_minor, 1800)
    const both = off({ name: 'ten', percent: '10' }, { name: 'voucher', amount_minor: 300 })
    equal(both.amount_minor, 1500)
    deepEqual(both.discounts, [
      { name: 'ten', amount_minor: 200 },
      { name: 'voucher', amount_minor: 300 },
    ])
    equal(
      off({ name: 'voucher', amount_minor: 300 }, { name: 'ten', percent: '10' }).amount_minor,
      1530,
    )
  })

  test('never takes more than there is', () => {
    deepEqual(off({ name: 'gift', amount_minor: 9_999 }).discounts, [
      { name: 'gift', amount_minor: 2000 },
    ])
    equal(off({ name: 'all', percent: '100' }, { name: 'more', amount_minor: 1 }).amount_minor, 0)
  })

  test('of the whole cart is shared out over its lines to the last minor unit', () => {
    const { lines, totals } = priceLines([item(100), item(100), item(100)], LINE, [
      { name: 'voucher', amount_minor: 100 },
    ])
    deepEqual(
      lines.map(({ discount_minor }) => discount_minor),
      [34, 33, 33],
    )
    equal(totals.amount_minor, 200)
  })

  test('comes off before the tax', () => {
    const { lines } = priceLines([item(1200, 1, [vat('20')])], LINE, [
      { name: 'half', percent: '50' },
    ])
    deepEqual(figures({ lines, totals: lines[0]! }), [[600, 500, 100]])
  })
})

describe('a cart', () => {
  // Three lines of 33: 5.5 of tax on each.
  const three = [1, 2, 3].map(() => item(33, 1, [vat('16.6667', false)]))

  test('rounds its tax on each line, or once for all lines of a rate', () => {
    equal(priceLines(three, LINE).totals.tax_minor, 18)
    const once = priceLines(three, TOTAL)
    equal(once.totals.tax_minor, 17)
    deepEqual(figures(once), [
      [39, 33, 6],
      [39, 33, 6],
      [38, 33, 5],
    ])
  })

  test('shares what is on top out by price, whatever taxes are inside', () => {
    const rates = [vat('50'), { name: 'Eco', rate: '10', is_inclusive: false }]
    const { lines } = priceLines([item(3, 1, rates), item(27, 1, rates)], TOTAL)
    deepEqual(
      lines.map(({ taxes }) => taxes.map(({ amount_minor }) => amount_minor)),
      [
        [1, 0],
        [9, 2],
      ],
    )
  })

  test('takes no tax on top away from what the taxes inside are shared by', () => {
    const rates = [{ name: 'Eco', rate: '50', is_inclusive: false }, vat('10')]
    const { lines } = priceLines([item(3, 1, rates), item(3, 1, rates)], TOTAL)
    deepEqual(
      lines.map(({ taxes }) => taxes.map(({ amount_minor }) => amount_minor)),
      [
        [2, 1],
        [1, 0],
      ],
    )
  })

  test('keeps rates apart when it rounds once for each', () => {
    const mixed = [item(33, 1, [vat('10')]), item(33, 1, [vat('20')]), item(33, 1, [vat('10')])]
    equal(priceLines(mixed, TOTAL).totals.tax_minor, 66 - 60 + (33 - 28))
  })

  test('beyond what a number holds exactly is refused', () => {
    throws(() => priceLines([item(Number.MAX_SAFE_INTEGER, 2)], LINE), RangeError)
    const most = item(Number.MAX_SAFE_INTEGER)
    throws(() => priceLines([most, most], LINE), /an amount beyond 2\^53 minor units/)
    throws(
      () => priceLines([item(Number.MAX_SAFE_INTEGER, 1, [vat('20', false)])], LINE),
      RangeError,
    )
  })
})

describe('a part of a line', () => {
  const [line] = priceLines([item(100, 1, [vat('20')])], LINE, [
    { name: 'o', amount_minor: 1 },
  ]).lines

  test('and the rest of it are the line', () => {
    const thirds = [0, 1, 2].map((from) => partOfLine(line!, { from, to: from + 1, of: 3 }))
    deepEqual(
      thirds.map(({ amount_minor }) => amount_minor),
      [33, 33, 33],
    )
    const sum = (field: 'amount_minor' | 'net_minor' | 'tax_minor' | 'discount_minor') =>
      thirds.reduce((all, each) => all + each[field], 0)
    deepEqual(
      [sum('amount_minor'), sum('net_minor'), sum('tax_minor'), sum('discount_minor')],
      [line!.amount_minor, line!.net_minor, line!.tax_minor, line!.discount_minor],
    )
  })

  test('costs what each of its units costs, whatever tax is in it', () => {
    const units = (unit: number, count: number, rates: readonly Rate[]) => {
      const [of] = priceLines([item(unit, count, rates)], LINE).lines
      return Array.from({ length: count }, (_, i) =>
        partOfLine(of!, { from: i, to: i + 1, of: count }),
      )
    }
    // 10.00 with 1.67 in it: 8.33 and 1.67 halved apart would be 4.17 and 0.84.
    deepEqual(figures({ lines: units(500, 2, [vat('20')]), totals: line! }), [
      [500, 416, 84],
      [500, 417, 83],
    ])
    for (const count of [2, 3, 7])
      for (const { amount_minor } of units(299, count, [vat('5'), vat('7'), vat('2.5')]))
        equal(amount_minor, 299)
    deepEqual(figures({ lines: units(0, 2, [vat('20')]), totals: line! }), [
      [0, 0, 0],
      [0, 0, 0],
    ])
  })

  test('lies within it', () => {
    for (const units of [
      { from: -1, to: 1, of: 3 },
      { from: 2, to: 1, of: 3 },
      { from: 0, to: 4, of: 3 },
      { from: 0, to: 0, of: 0 },
      { from: 0, to: 0, of: -1 },
    ])
      throws(() => partOfLine(line!, units), /units -?\d+ to \d+ of -?\d+ are no part of a line/)
    equal(partOfLine(line!, { from: 2, to: 2, of: 3 }).amount_minor, 0)
  })
})

test('shares add up, and what is left goes to the largest remainders', () => {
  deepEqual(apportion(10, [1, 1, 1]), [4, 3, 3])
  deepEqual(apportion(10, [1, 2, 4]), [1, 3, 6])
  deepEqual(apportion(2, [1, 5, 3]), [0, 1, 1])
  deepEqual(apportion(5, [3, 1, 3, 5]), [1, 1, 1, 2])
  deepEqual(apportion(7, [0, 0]), [7, 0])
  deepEqual(apportion(0, [3, 4]), [0, 0])
  deepEqual(apportion(5, []), [])
})

test('cash goes to the nearest coin, half a coin up, what is given back too', () => {
  const payable = (amount: number, step = 5) => cashRounded(amount, step).payable_minor
  deepEqual(
    [1, 2, 3, 4, 5, 7, 8].map((amount) => payable(amount)),
    [0, 0, 5, 5, 5, 5, 10],
  )
  deepEqual(cashRounded(1002, 5), { payable_minor: 1000, rounding_minor: -2 })
  deepEqual(cashRounded(-1003, 5), { payable_minor: -1005, rounding_minor: -2 })
  deepEqual([payable(15, 10), payable(14, 10), payable(17, 1), payable(17, 0)], [20, 10, 17, 17])
  deepEqual(cashRounded(2, 1), { payable_minor: 2, rounding_minor: 0 })
  deepEqual(cashRounded(0, 5), { payable_minor: 0, rounding_minor: 0 })
})

test('a coin is a currency and an amount of it, no finer than its minor unit', () => {
  const coins = ['CHF:0.05', 'SEK:1', 'JPY:50', 'USD:12.25'].map(coinIn)
  deepEqual(
    coins.map((coin) => [coin?.currency, coin?.step_minor]),
    [
      ['CHF', 5],
      ['SEK', 100],
      ['JPY', 50],
      ['USD', 1225],
    ],
  )
  const none = ['CHF:0.001', 'JPY:0.5', 'chf:0.05', 'ACHF:0.05', 'C:5', 'CHF:', 'CHF:five']
  for (const entry of [...none, 'CHF:5.', 'CHF:0.05 ', 'CHF:0.x', '0.05', ''])
    equal(coinIn(entry), null, entry)
})

test('the coin of a currency is the one for all, or its own', () => {
  const step = (told: unknown, currency: string) =>
    cashStep(told === undefined ? {} : { 'pos.cash_rounding': told }, currency)
  const listed = ['none', 'CHF:0.05', 'SEK:1']
  deepEqual([step(5, 'USD'), step(listed, 'CHF'), step(listed, 'SEK')], [5, 5, 100])
  deepEqual([step(listed, 'USD'), step(undefined, 'CHF'), step('CHF:0.05', 'CHF')], [0, 0, 0])
})

describe('taxes of the settings', () => {
  const settings = {
    'money.taxes': [
      'standard:VAT:20',
      'reduced:VAT:5',
      'standard@Germany:MwSt:19',
      'wine:VAT:20',
      'wine:Duty:2.5',
    ],
  }
  const names = (tax_class: string | null, country: string | null) =>
    ratesFor(settings, tax_class, country).map(({ name, rate }) => `${name} ${rate}`)

  test('go by class and country', () => {
    deepEqual(names(null, null), ['VAT 20'])
    deepEqual(names('standard', 'France'), ['VAT 20'])
    deepEqual(names('standard', 'Germany'), ['MwSt 19'])
    deepEqual(names('reduced', 'Germany'), ['VAT 5'])
    deepEqual(names('wine', null), ['VAT 20', 'Duty 2.5'])
    deepEqual(names('books', null), [])
    deepEqual(ratesFor({}, null, null), [])
  })

  test('are read whole or not at all', () => {
    const entries = ['a standard:VAT:20', 'standard:VAT:20 %', 'standard:VAT:1.23456', 'standard']
    deepEqual(ratesFor({ 'money.taxes': entries }, null, null), [])
    const [fine] = ratesFor({ 'money.taxes': ['standard:VAT:8.8755'] }, null, null)
    equal(fine?.rate, '8.8755')
  })

  test('are in the prices or on top, as the shop says', () => {
    const inclusive = (more: object) =>
      ratesFor({ ...settings, ...more }, null, null)[0]!.is_inclusive
    deepEqual([inclusive({}), inclusive({ 'money.prices_include_tax': false })], [true, false])
  })

  test('the rules have standards', () => {
    deepEqual(pricingRules({}), { rounding: 'half_up', tax_level: 'line' })
    deepEqual(pricingRules({ 'money.rounding': 'half_even', 'money.tax_level': 'total' }), {
      rounding: 'half_even',
      tax_level: 'total',
    })
  })
})

test('a percentage is a decimal from 0 to 100', () => {
  deepEqual(['0', '12.5', '100', '0.0001'].map(percentTrouble), [null, null, null, null])
  deepEqual(
    ['ten', '1.00001'].map((text) => percentTrouble(text) !== null),
    [true, true],
  )
  deepEqual(['100.1', '-1'].map(percentTrouble), [
    'must lie between 0 and 100',
    'must lie between 0 and 100',
  ])
})
