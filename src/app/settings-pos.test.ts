// What the till may be told, and that its rules hear of it.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readConfig, shopSettings } from './config.ts'
import { pos } from './settings-pos.ts'

describe('the settings of the till', () => {
  const format = (text: unknown) => pos['pos.number_format'].kind.read(text)
  it('take formats that make no number twice', () => {
    for (const fine of [
      pos['pos.number_format'].standard,
      pos['pos.refund_number_format'].standard,
      '{store}-{register}-{seq}',
      'A/{yyyy}/{store}.{register}#{seq:12}',
      '{register}/{yyyy}{store}#{mm}{seq}',
      `{store}-{register}-{seq:99}-${'A'.repeat(42)}`,
      '{seq}.{yyyy}{mm}.{register}.{store}',
    ])
      equal(format(fine), fine)
  })
  it('refuse a format without a place, without a number, or with a day that comes again', () => {
    for (const wrong of [
      '{register}-{seq}',
      '{store}-{seq}',
      '{store}-{register}',
      '{store}-{register}-{seq:0}',
      '{store}-{register}-{mm}{dd}-{seq}',
      '{store}-{register}-{yyyy}{dd}-{seq}',
      '{store}-{register}-{year}-{seq}',
      '{store} {register} {seq}',
      // Store a_1, register b, and store a, register 1_b; register 1's 11th, register 11's first.
      '{store}_{register}-{seq}',
      '{store}-{register}{seq}',
      '{store}-{register}{yyyy}{seq:4}',
      '{store}{register}-{seq}',
      '{seq}A{register}-{store}',
      // No account would take it as a reference: 201 characters.
      `{store}-{register}-{seq:99}-${'A'.repeat(43)}`,
    ])
      equal(format(wrong), undefined, wrong)
  })
  it('take one coin for all, or one for each currency', () => {
    const coins = (raw: unknown) => pos['pos.cash_rounding'].kind.read(raw)
    equal(coins('5'), 5)
    equal(coins(0), 0)
    deepEqual(coins('CHF:0.05, SEK:1,KWD:0.005,JPY:5'), [
      ...['CHF:0.05', 'SEK:1', 'KWD:0.005', 'JPY:5'],
    ])
    deepEqual(coins(['CHF:0.05']), ['CHF:0.05'])
    for (const wrong of [
      ...['', [], '-5', '5.5', 'chf:0.05', 'CHF', 'CHF:', 'CHF:-0.05', 'CHF:0.001', 'JPY:0.5'],
      ...['CHF:0.05,5', 'CHF:0.05,CHF:0.10', 'CHF:10000.01', [{ CHF: 0.05 }], { CHF: 0.05 }],
    ])
      equal(coins(wrong), undefined, JSON.stringify(wrong))
  })
  it('all reach the rules that read them', () => {
    const read = readConfig({ argv: ['--set', 'pos.cash_rounding=5'], env: {}, file: null })
    if (!read.ok) throw new Error(read.problems.join())
    const told = shopSettings(read.config)
    deepEqual(
      // Times reach them in milliseconds, by a name that says so.
      Object.keys(pos).filter((key) => !(key in told) && !(`${key}_ms` in told)),
      [],
    )
    equal(told['pos.cash_rounding'], 5)
  })
})
