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
      '{store}{register}{seq}',
      'A/{yyyy}/{store}_{register}#{seq:12}',
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
    ])
      equal(format(wrong), undefined, wrong)
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
