// What tenders are refused for, and in which words: the field is named, and what is wrong with it.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { givenBackBy, type Payment, paidBy } from './tendering.ts'

const bill = (amount_minor: number) => ({
  ...{ amount_minor, currency: 'USD', settings: {}, isFact: false },
})
type Outcome = ReturnType<typeof paidBy>
const told = (outcome: Outcome) => ('rejected' in outcome ? outcome.rejected : null)
const pay = (payment: Payment, amount = 1_000) => paidBy(payment, bill(amount))
const wrong = (field: string, reason: string, outcome: Outcome) =>
  deepEqual(told(outcome)?.errors, { [field]: reason })
const mismatch = (paid_amount: number, words: RegExp, outcome: Outcome, total_amount = 10) => {
  deepEqual(told(outcome)?.details, { currency: 'USD', total_amount, paid_amount })
  equal(words.test(told(outcome)!.message), true, told(outcome)!.message)
}
const taken = (outcome: Outcome) => {
  if ('rejected' in outcome) throw new Error(outcome.rejected.message)
  return outcome.tenders.map(({ type, amount_minor }) => `${type} ${amount_minor}`)
}
const LESS = /is less what/
const OTHER = /is not exactly what/

describe('what is paid', () => {
  it('is told one way, as amounts', () => {
    const tenders = [{ type: 'cash' }]
    const twice = 'are given beside payment_type; one of them is enough'
    wrong('tenders', twice, pay({ payment_type: 'cash', tenders }))
    const own = 'goes with payment_type; tenders have amounts of their own'
    wrong('paid_amount', own, pay({ paid_amount: '5', tenders }))
    const decimals = 'must have at most 2 decimals'
    wrong('paid_amount', decimals, pay({ payment_type: 'cash', paid_amount: '10.001' }))
    wrong('tenders.0.amount', decimals, pay({ tenders: [{ type: 'cash', amount: '10.001' }] }))
    wrong(
      'paid_amount',
      'is all of it; then nothing is on credit',
      pay({ payment_type: 'credit', paid_amount: '10' }),
    )
    deepEqual(taken(pay({ payment_type: 'credit', paid_amount: '0' }, 0)), [])
    deepEqual(taken(pay({ payment_type: 'credit', paid_amount: '9.99' })), ['cash 999', 'credit 1'])
  })
  it('is by tenders that the shop takes, cash and credit once each', () => {
    const known = 'must be one of cash, credit, card, voucher'
    wrong('payment_type', known, pay({ payment_type: 'shells' }))
    wrong(
      'tenders.1.type',
      known,
      pay({ tenders: [{ type: 'cash' }, { type: 'shells', amount: '1' }] }),
    )
    for (const type of ['cash', 'credit'])
      wrong(
        'tenders.1.type',
        'is named twice',
        pay({
          tenders: [
            { type, amount: '1' },
            { type, amount: '9' },
          ],
        }),
      )
    const cards = [
      { type: 'card', amount: '1' },
      { type: 'card', amount: '9' },
    ]
    deepEqual(taken(pay({ tenders: cards })), ['card 100', 'card 900'])
  })
  it('is taken by one tender as far as the others leave it', () => {
    const rest = [{ type: 'card' }, { type: 'cash', amount: '1' }]
    deepEqual(taken(pay({ tenders: rest })), ['card 900', 'cash 100'])
    const nothing = [
      { type: 'card' },
      { type: 'voucher', amount: '6' },
      { type: 'cash', amount: '4' },
    ]
    mismatch(10, OTHER, pay({ tenders: nothing }))
    mismatch(10, LESS, pay({ tenders: nothing.slice(1) }, 1_001), 10.01)
    deepEqual(taken(pay({ tenders: [{ type: 'card' }] }, 0)), [])
    mismatch(0.01, OTHER, pay({ tenders: [{ type: 'card', amount: '0.01' }] }, 0), 0)
  })
  it('is neither less nor, but for cash, more than it comes to', () => {
    mismatch(9.99, LESS, pay({ payment_type: 'cash', paid_amount: '9.99' }))
    mismatch(9.99, LESS, pay({ payment_type: 'card', paid_amount: '9.99' }))
    mismatch(10.01, OTHER, pay({ payment_type: 'card', paid_amount: '10.01' }))
  })
})

describe('what is given back', () => {
  const back = (tenders: Payment['tenders'], standard: string | null = null) =>
    givenBackBy(tenders, standard, bill(1_000))
  it('is by what it is told to be, or as it was paid', () => {
    const silent = 'is required, or tenders: it was not paid in one way that is known'
    wrong('tender', silent, back(undefined))
    deepEqual(taken(back(undefined, 'card')), ['card 1000'])
    const known = 'must be one of cash, credit, card, voucher'
    wrong('tender', known, back(undefined, 'shells'))
    wrong('tenders.0.type', known, back([{ type: 'shells' }]))
    wrong(
      'tenders.0.amount',
      'must have at most 2 decimals',
      back([{ type: 'cash', amount: '1.001' }]),
    )
  })
  it('comes to all of it', () => {
    const amounts = (...all: readonly string[]) =>
      back(all.map((amount) => ({ type: 'card', amount })))
    deepEqual(taken(amounts('4', '6')), ['card 400', 'card 600'])
    mismatch(9.99, LESS, amounts('4', '5.99'))
    mismatch(10.01, OTHER, amounts('4', '6.01'))
    // One that takes the rest may find nothing left to take.
    deepEqual(taken(back([{ type: 'card', amount: '10' }, { type: 'cash' }])), ['card 1000'])
    deepEqual(taken(back([{ type: 'card', amount: '9' }, { type: 'cash' }])), [
      'card 900',
      'cash 100',
    ])
  })
})

describe('money that has changed hands', () => {
  const fact = { ...bill(1_000), isFact: true }
  const figures = (outcome: Outcome) => {
    if ('rejected' in outcome) throw new Error(outcome.rejected.message)
    const { total_amount_minor, difference_minor, change_minor, doubts } = outcome
    return [taken(outcome), total_amount_minor, difference_minor, change_minor, doubts]
  }
  const paid = (...tenders: readonly { readonly type: string; readonly amount?: string }[]) =>
    figures(paidBy({ tenders: [...tenders] }, fact))
  const back = (...tenders: readonly { readonly type: string; readonly amount?: string }[]) =>
    figures(givenBackBy([...tenders], null, fact))
  const other = ['paid_otherwise']
  it('is told as it did, whatever it should have come to', () => {
    const voucher = { type: 'voucher', amount: '6' }
    deepEqual(paid({ type: 'card', amount: '4' }, { type: 'cash', amount: '5' }), [
      ...[['card 400', 'cash 500'], 900, -100, 0, other],
    ])
    deepEqual(paid(voucher, { type: 'card', amount: '5' }), [
      ...[['voucher 600', 'card 500'], 1_100, 100, 0, other],
    ])
    deepEqual(paid(voucher, { type: 'card' }, { type: 'cash', amount: '6' }), [
      ...[['voucher 600', 'cash 600'], 1_200, 200, 0, other],
    ])
    deepEqual(paid({ type: 'voucher', amount: '11' }, { type: 'cash', amount: '1' }), [
      ...[['voucher 1100', 'cash 100'], 1_200, 200, 0, other],
    ])
    deepEqual(back({ type: 'card', amount: '4' }), [['card 400'], 400, -600, 0, other])
    deepEqual(back({ type: 'card', amount: '12' }, { type: 'cash' }), [
      ...[['card 1200'], 1_200, 200, 0, other],
    ])
    deepEqual(back({ type: 'card', amount: '4' }, { type: 'cash', amount: '5' }), [
      ...[['card 400', 'cash 500'], 900, -100, 0, other],
    ])
  })
  it('and comes to what it should is nothing else, by whatever it was paid', () => {
    deepEqual(paid({ type: 'card', amount: '4' }, { type: 'cash', amount: '20' }), [
      ...[['card 400', 'cash 600'], 1_000, 0, 1_400, []],
    ])
    deepEqual(paid({ type: 'shells', amount: '4' }, { type: 'card' }), [
      ...[['shells 400', 'card 600'], 1_000, 0, 0, ['tender_unknown']],
    ])
    deepEqual(back({ type: 'card', amount: '4' }, { type: 'shells' }), [
      ...[['card 400', 'shells 600'], 1_000, 0, 0, ['tender_unknown']],
    ])
  })
})
