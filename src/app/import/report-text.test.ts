// The report names what was not imported, line by line, and says how to go on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tally } from './import-tally.ts'
import { reportText } from './report-text.ts'
import { invoiceFrom, type Line } from './retail-invoice.ts'

const LINE: Line = {
  line: 2,
  invoice: '536365',
  code: '85123A',
  description: 'HEART',
  quantity: 1_200,
  time: '2010-12-01T08:26:00.000Z',
  unit_price_minor: 255,
  customer_id: null,
  country: null,
}
const SALE = invoiceFrom([LINE]).invoice!

test('counts, sums and refused lines with their numbers and reasons', () => {
  const result = tally('shop.csv', false)
  result.product('new')
  result.customer('new')
  result.customer('before')
  result.invoice(SALE, 'new')
  result.invoice(SALE, 'before')
  result.invoice(SALE, 'failed')
  result.failed('invoice 536365', 'CreateOrder: not_found: There is no product.')
  result.read(4, [{ line: 7, invoice: '536367', reason: 'UnitPrice is negative' }])
  const text = reportText(result.report(34, true))
  assert.match(text, /^Imported shop\.csv: 4 lines$/m)
  assert.match(text, /^ {2}customers +1 new, 1 were there$/m)
  assert.match(
    text,
    /^ {2}orders +1 new, 1 were there, 1 refused; 2 lines, 2,400 units, 6,120\.00 GBP$/m,
  )
  assert.match(text, /^ {4}line 7 \(invoice 536367\): UnitPrice is negative$/m)
  assert.match(text, /^ {4}invoice 536365: CreateOrder: not_found: There is no product\.$/m)
  assert.match(text, /34 events, [\d,]+ orders\/s, [\d,]+ events\/s$/m)
  assert.doesNotMatch(text, /Stopped/)
})

test('says so when it was stopped, and when nothing was written', () => {
  assert.match(reportText(tally('f', false).report(0, false)), /same command again goes on/)
  assert.match(reportText(tally('f', true).report(0, true)), /^Would import f/)
  assert.match(reportText(tally('f', true).report(0, true)), /Nothing was written/)
})

test('a thousand refused lines are counted, twenty of them shown', () => {
  const result = tally('f', true)
  for (let line = 2; line < 2_002; line++)
    result.read(1, [{ line, invoice: '1', reason: 'UnitPrice is negative' }])
  const report = result.report(0, true)
  assert.equal(report.refused_lines, 2_000)
  assert.equal(report.row_errors.length, 1_000)
  const text = reportText(report)
  assert.equal(text.match(/UnitPrice/g)?.length, 20)
  assert.match(text, /and 1,980 more/)
})
