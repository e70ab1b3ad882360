// The checkers checked: evidence of a shop in which all is well passes; each thing that could be
// wrong with it is called by its name.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import type { Asked, Told } from './account.ts'
import { streetOf } from './acting.ts'
import { type Book, openBook } from './book.ts'
import { judge } from './checks.ts'
import type { Evidence } from './evidence.ts'
import { digestOf } from './readers.ts'

type Written = {
  readonly stream: string
  readonly type: string
  readonly data: object
  by?: string
}

const place = { product_id: 'thing', store_id: 'shop' }
const lines = [{ ...place, quantity: 2, amount_minor: 500 }]
const pay = { payment_id: 'order-1', order_id: 'order-1', amount_minor: 500 }
const write = (stream: string, type: string, data: object, by = 'buy'): Written => ({
  ...{ stream, type, data, by },
})
const receipt = (quantity: number, amount_minor: number) => ({
  lines: [{ line: 1, quantity, amount_minor, restocked: false }],
  ...{ amount_minor, rounding_minor: 0, total_amount_minor: amount_minor },
  tenders: [{ type: 'credit', amount_minor }],
})
const owes = (change_minor: number) => ({ customer_id: 'c', change_minor, cause: 'sale' })
const drawer = { store_id: 'shop', register_id: 'a', session_id: 'd', currency: 'USD' }
const till = (type: string, more: object) => write('register-1', type, { ...drawer, ...more }, type)
const way = { transfer_id: 'w', from_store_id: 'other', to_store_id: 'shop' }
const came = (received: number, is_closed: boolean) =>
  write(
    'transfer-1',
    'TransferReceived',
    { ...way, is_closed, lines: [{ product_id: 'thing', received, damaged: 0, missing: 0 }] },
    `came ${received}`,
  )
const expecting = (change: number) =>
  write('stock-thing', 'IncomingStockChanged', { ...place, ...way, change }, 'send')
const away = { ...way, product_id: 'thing', store_id: 'other', quantity: 2 }
/** Two things are on their way. */
const SENT: readonly Written[] = [
  write(
    'stock-other',
    'InventoryCreated',
    { ...away, quantity: 2, backorder_limit: 0 },
    'open other',
  ),
  write(
    'transfer-1',
    'TransferStarted',
    { ...way, lines: [{ product_id: 'thing', quantity: 2 }] },
    'send',
  ),
  write('stock-other', 'StockTransferredOut', away, 'send'),
]
/** An order of two things of five, paid and confirmed; two more at the till, one came back. */
const GOOD: readonly Written[] = [
  write('stock-thing', 'InventoryCreated', { ...place, quantity: 5, backorder_limit: 0 }, 'open'),
  write('order-1', 'OrderCreated', {
    ...{ order_id: 'order-1', lines, total_amount_minor: 500, currency: 'USD' },
    ...{ payment_id: 'order-1', customer_id: 'buyer' },
  }),
  write('saga-1', 'SagaStarted', { saga_id: 'order-1' }),
  write('payment-1', 'PaymentAuthorizationRequested', {
    ...pay,
    operation_id: 'order-1:authorize:1',
  }),
  write('reservation-1', 'InventoryReserved', {
    reservation_id: 'order-1',
    order_id: 'order-1',
    lines,
  }),
  write('stock-thing', 'StockReserved', { ...place, quantity: 2, reservation_id: 'order-1' }),
  write('payment-1', 'PaymentAuthorized', { ...pay, operation_id: 'order-1:authorize:1' }, 'act'),
  write(
    'payment-1',
    'PaymentCaptureRequested',
    { ...pay, operation_id: 'order-1:capture:2' },
    'act',
  ),
  write('shipment-1', 'ShippingLabelCreated', { order_id: 'order-1', tracking_number: 'T' }, 'act'),
  write('order-1', 'OrderConfirmed', { order_id: 'order-1' }, 'act'),
  write('saga-1', 'SagaCompleted', { saga_id: 'order-1', outcome: 'completed' }, 'act'),
  write('payment-1', 'PaymentCaptured', { ...pay, operation_id: 'order-1:capture:2' }, 'end'),
  write('customer-1', 'CustomerRegistered', { customer_id: 'c', credit_limit_minor: 500 }, 'meet'),
  write(
    'sale-1',
    'SaleCompleted',
    { sale_id: 's', sale_number: 't-1', ...receipt(2, 400) },
    'ring',
  ),
  write(
    'stock-thing',
    'InventoryAdjusted',
    { ...place, adjustment: -2, reason: 'sale', reference: 't-1' },
    'ring',
  ),
  write('customer-1', 'CustomerBalanceChanged', { ...owes(400), balance_minor: 400 }, 'ring'),
  write(
    'sale-1',
    'SaleRefunded',
    { sale_id: 's', refund_number: 'R-1', ...receipt(1, 200) },
    'back',
  ),
  write('customer-2', 'CustomerErased', { customer_id: 'buyer' }, 'forget'),
]

function logOf(written: readonly Written[]): readonly Recorded[] {
  const versions = new Map<string, number>()
  return written.map(({ stream, type, data, by }, at) => {
    const version = (versions.get(stream) ?? 0) + 1
    versions.set(stream, version)
    const [aggregate_type = '', aggregate_id = ''] = stream.split('-')
    const time = '2026-01-01T00:00:00.000Z'
    return {
      ...{ position: at + 1, event_id: `event-${at + 1}`, aggregate_type, aggregate_id, version },
      ...{ event_type: type, event_version: 1, data, occurred_at: time, timestamp: time },
      metadata: by === undefined ? {} : { command_id: by },
    }
  })
}

const told = (more: Partial<Told>): Told => ({
  ...{ asked: 1, answered: 2, door: 'd', status: 201, code: '', position: 6, digest: 'x' },
  isProblem: false,
  ...more,
})
const asked = (key: string, all: readonly Told[], what = 'order'): Asked => ({
  ...{ key, what, method: 'POST', path: '/api/v1/orders', body: '{}', told: [...all] },
})
const ledgerEntry = (kind: 'authorize' | 'capture', operation_id: string) => ({
  ...{ operation_id, kind, authorization: 'order-1:authorize:1', amount_minor: 500 },
  ...{ currency: 'USD', answer: { status: 'succeeded', reference: 'r' } as const },
})
const DECLINED = {
  ...ledgerEntry('authorize', 'order-1:authorize:1'),
  answer: { status: 'declined', reason: 'no money' } as const,
}

/** Evidence of the good shop, with the log or anything else put in another way. */
function evidenceOf(written: readonly Written[] = GOOD, more: Partial<Evidence> = {}): Evidence {
  const log = logOf(written)
  const book: Book & { take(event: Recorded): void } = openBook()
  for (const event of log) book.take(event)
  const digests = log.map(digestOf)
  const record = { id: 'buy', fingerprint: 'f', response: {}, position: 6, version: 1 }
  return {
    book,
    digests,
    account: {
      asked: new Map([
        [
          'buy',
          asked('buy', [told({ status: 503, isProblem: true, code: 'unavailable' }), told({})]),
        ],
        ['old', asked('old', [told({ position: 1 })], 'old order')],
      ]),
      looked: [{ path: '/o', since: 6, status: 200, code: '', at: 1 }],
      dawdled: [{ closed: 2_000 }],
      hostile: [asked('', [told({ status: 400, isProblem: true, code: 'malformed_request' })])],
    },
    readers: [{ name: 'reader 1', seen: digests, pages: 3, failures: 0, wrong: [] }],
    records: new Map([
      ['buy', record],
      ['old', { ...record, position: 1 }],
    ]),
    shown: {
      orders: [{ order_id: 'order-1', status: 'CONFIRMED', total_amount: 5 }],
      payments: [{ payment_id: 'order-1', authorized: 5, captured: 5, refunded: 0 }],
      stock: [{ ...place, quantity: 3, reserved_quantity: 2 }],
      sagas: [{ saga_id: 'order-1', status: 'COMPLETED' }],
      parked: [],
      troubles: [],
    },
    ledger: [
      ledgerEntry('authorize', 'order-1:authorize:1'),
      ledgerEntry('capture', 'order-1:capture:2'),
    ],
    labels: new Map([['T', 'order-1']]),
    surprises: [],
    unrest: null,
    verified: { code: 0, said: '12 events, 0 differences.' },
    damaged: { position: 3, verified: { code: 1, said: 'seals: 3 is not what was sealed' } },
    ...more,
  }
}
const broken = (evidence: Evidence) =>
  judge(evidence)
    .filter(({ problems }) => problems.length > 0)
    .map(({ promise }) => promise.split(' ').slice(0, 2).join(' '))
const said = (evidence: Evidence) => judge(evidence).flatMap(({ problems }) => problems)
const without = (type: string) => GOOD.filter((one) => one.type !== type)
const inserted = (...more: readonly Written[]) => [...GOOD, ...more]
const account = (more: Partial<Evidence['account']>) =>
  evidenceOf(GOOD, { account: { ...evidenceOf().account, ...more } })

describe('the checks', () => {
  it('have nothing against a shop in which all is well', () => deepEqual(said(evidenceOf()), []))

  it('know who owed something before he was registered', () => {
    const [customer_id, late] = ['d', 'customer-2']
    const owing = (change_minor: number, balance_minor: number) =>
      write(late, 'CustomerBalanceChanged', { customer_id, change_minor, balance_minor }, 'late')
    const before = [write(late, 'CustomerAccountOpened', { customer_id }, 'late'), owing(900, 900)]
    const known = { customer_id, credit_limit_minor: 100 }
    const registered = write(late, 'CustomerRegistered', known, 'meet him')
    const raised = write(late, 'CreditLimitChanged', { ...known, credit_limit_minor: 2_000 }, 'up')
    const more = { customer_id, change_minor: 200, balance_minor: 1_100, cause: 'sale' }
    const buys = write(late, 'CustomerBalanceChanged', more, 'buy more')
    const all = [...before, registered, raised, buys]
    const told = (log: readonly Written[]) =>
      said(evidenceOf(log)).filter((text) => text.includes(`${customer_id} owes`))
    deepEqual(told(inserted(...all)), [])
    equal(told(inserted(...before, registered, buys)).length, 1)
    equal(told(inserted(...before, registered, raised, owing(5, 5))).length, 1)
  })

  it('are not passed when they had nothing to look at', () => {
    const nothing = { asked: new Map(), looked: [], dawdled: [], hostile: [] }
    const empty = evidenceOf([], { account: nothing, readers: [], ledger: [] })
    const shown = { orders: [], payments: [], stock: [], sagas: [], parked: [], troubles: [] }
    equal(broken({ ...empty, shown }).length, judge(empty).length - 1)
  })

  const cases: Readonly<Record<string, readonly [Evidence, expected: string]>> = {
    'an acknowledged command that the log does not know': [
      evidenceOf(GOOD, {
        records: new Map([
          ['buy', null],
          ['old', null],
        ]),
      }),
      'P1 nothing',
    ],
    'a reservation that took nothing from stock': [
      evidenceOf(without('StockReserved')),
      'P2 nothing',
    ],
    'an order without its saga': [evidenceOf(without('SagaStarted')), 'P2 nothing'],
    'a thing that is promised twice': [
      evidenceOf(
        inserted(
          write(
            'reservation-2',
            'InventoryReserved',
            { reservation_id: 'r2', order_id: null, lines },
            'b2',
          ),
          write(
            'stock-thing',
            'StockReserved',
            { ...place, quantity: 4, reservation_id: 'r2' },
            'b2',
          ),
        ),
      ),
      'P3 nothing',
    ],
    'stock that is reserved for nobody': [
      evidenceOf(
        inserted(
          write(
            'stock-thing',
            'StockReserved',
            { ...place, quantity: 1, reservation_id: '?' },
            'b2',
          ),
        ),
      ),
      'P3 nothing',
    ],
    'a reader that saw another event': [
      evidenceOf(GOOD, {
        readers: [{ ...evidenceOf().readers[0]!, seen: evidenceOf().digests.with(4, 1) }],
      }),
      'P4 one',
    ],
    'a reader that did not come to the end': [
      evidenceOf(GOOD, {
        readers: [{ ...evidenceOf().readers[0]!, seen: evidenceOf().digests.slice(1) }],
      }),
      'P4 one',
    ],
    'a row that is not the fold': [
      evidenceOf(GOOD, {
        shown: { ...evidenceOf().shown, stock: [{ ...place, quantity: 4, reserved_quantity: 2 }] },
      }),
      'P5 read',
    ],
    'a row that is not shown at all': [
      evidenceOf(GOOD, { shown: { ...evidenceOf().shown, troubles: ['stock: 404'] } }),
      'P5 read',
    ],
    'a verification that found something': [
      evidenceOf(GOOD, { verified: { code: 1, said: '1 differences' } }),
      'P5 read',
    ],
    'somebody who was told a position and does not see it': [
      account({ looked: [{ path: '/o', since: 6, status: 404, code: 'not_found', at: 1 }] }),
      'P5 who',
    ],
    'two answers to one command': [
      account({
        asked: new Map([
          ['buy', asked('buy', [told({}), told({ digest: 'y' })])],
          ['old', evidenceOf().account.asked.get('old')!],
        ]),
      }),
      'P6 a',
    ],
    'a command with two effects': [
      evidenceOf(
        inserted(write('stock-thing', 'InventoryAdjusted', { ...place, adjustment: 0 }, 'buy')),
      ),
      'P6 a',
    ],
    'an event that a projection could not take': [
      evidenceOf(GOOD, {
        shown: {
          ...evidenceOf().shown,
          parked: [{ projection: 'order_views', position: 2, error: 'Error: no' }],
        },
      }),
      'P7 every',
    ],
    'a saga that does not end': [evidenceOf(without('SagaCompleted')), 'P8 every'],
    'a shop that does not come to rest': [evidenceOf(GOOD, { unrest: 'restless' }), 'P8 every'],
    'money that the provider does not know of': [
      evidenceOf(GOOD, { ledger: evidenceOf().ledger.slice(0, 1) }),
      'P8 money,',
    ],
    'an operation that was carried out twice': [
      evidenceOf(GOOD, { ledger: [...evidenceOf().ledger, evidenceOf().ledger[1]!] }),
      'P8 money,',
    ],
    'an order that was cancelled and kept the money': [
      evidenceOf(inserted(write('order-1', 'OrderCancelled', { order_id: 'order-1' }, 'c'))),
      'P8 money,',
    ],
    'a label too many': [
      evidenceOf(GOOD, {
        labels: new Map([
          ['T', 'order-1'],
          ['U', 'order-1'],
        ]),
      }),
      'P8 money,',
    ],
    'a total that is not the sum of its lines': [
      evidenceOf(
        GOOD.map((one) =>
          one.type === 'OrderCreated' ? { ...one, data: { ...one.data, lines: [] } } : one,
        ),
      ),
      'P8 money,',
    ],
    'an answer of 500': [
      account({
        hostile: [asked('', [told({ status: 500, isProblem: true, code: 'internal_error' })])],
      }),
      'P9, P12',
    ],
    'a question that was never answered': [
      account({
        asked: new Map([
          ...evidenceOf().account.asked,
          ['late', asked('late', [told({ status: 0, code: 'ECONNREFUSED', position: null })])],
        ]),
      }),
      'P9, P12',
    ],
    'a process that ended by itself': [evidenceOf(GOOD, { surprises: ['shop ended'] }), 'P9, P12'],
    'a client that may dawdle': [account({ dawdled: [{ closed: null }] }), 'P11 who'],
    'damage that verify does not see': [
      evidenceOf(GOOD, { damaged: { position: 3, verified: { code: 0, said: '' } } }),
      'P13 damage',
    ],
    'a receipt that is missing': [
      evidenceOf(
        inserted(
          write(
            'sale-2',
            'SaleCompleted',
            { sale_id: 's2', sale_number: 't-3', ...receipt(0, 0) },
            'b',
          ),
        ),
      ),
      'P16 tills',
    ],
    'more given back than was sold': [
      evidenceOf(
        inserted(
          write(
            'sale-1',
            'SaleRefunded',
            { sale_id: 's', refund_number: 'R-2', ...receipt(2, 200) },
            'b',
          ),
        ),
      ),
      'P16 tills',
    ],
    'somebody who owes more than he may': [
      evidenceOf(
        inserted(
          write('customer-1', 'CustomerBalanceChanged', { ...owes(200), balance_minor: 600 }, 'b'),
        ),
      ),
      'P16 tills',
    ],
    'a balance that is not the sum of its changes': [
      evidenceOf(
        inserted(
          write('customer-1', 'CustomerBalanceChanged', { ...owes(5), balance_minor: 500 }, 'b'),
        ),
      ),
      'P16 tills',
    ],
    'goods that left without a receipt for them': [
      evidenceOf(without('InventoryAdjusted')),
      'P16 tills',
    ],
    'a drawer that is short of what belongs into it': [
      evidenceOf(
        inserted(
          till('CashSessionOpened', { float_minor: 100 }),
          till('CashSessionClosed', {
            ...{ expected_minor: 90, counted_minor: 90, difference_minor: 0 },
          }),
        ),
      ),
      'P16 tills',
    ],
    'cash that lacks, and nobody is told': [
      evidenceOf(
        inserted(
          till('CashSessionOpened', { float_minor: 100 }),
          till('CashSessionClosed', {
            ...{ expected_minor: 100, counted_minor: 90, difference_minor: -10 },
          }),
        ),
      ),
      'P16 tills',
    ],
    'cash that moves where no drawer is open': [
      evidenceOf(inserted(till('CashMoved', { amount_minor: 100 }))),
      'P16 tills',
    ],
    'goods that come twice from another store': [
      evidenceOf(inserted(...SENT, expecting(2), came(2, true), came(1, true))),
      'P3 nothing',
    ],
    'goods that are on their way, and nobody expects them': [
      evidenceOf(inserted(...SENT)),
      'P8 money,',
    ],
    'goods that came, and are not in stock': [
      evidenceOf(inserted(...SENT, expecting(2), came(2, true))),
      'P8 money,',
    ],
    'a refund beside its sale that nobody told late': [
      evidenceOf(
        inserted(
          write(
            'sale_refund-1',
            'SaleRefunded',
            { sale_id: null, against_sale_id: 's', refund_number: 'R-2', ...receipt(1, 200) },
            'back again',
          ),
        ),
      ),
      'P16 tills',
    ],
    'an order that is confirmed, and nobody paid': [
      evidenceOf(
        GOOD.filter(({ type }) => !type.startsWith('Payment')),
        { ledger: [DECLINED] },
      ),
      'P8 money,',
    ],
    'goods that came back and were not paid for': [
      evidenceOf(
        inserted(
          write('order-1', 'OrderShipped', { order_id: 'order-1' }, 'send'),
          write(
            'order-1',
            'OrderReturnChanged',
            { order_id: 'order-1', change: 'received', lines: [], amount_minor: 250 },
            'return',
          ),
        ),
      ),
      'P8 money,',
    ],
    'an address of somebody who was forgotten': [
      evidenceOf(GOOD, {
        shown: {
          ...evidenceOf().shown,
          orders: [{ ...evidenceOf().shown.orders[0]!, notes: streetOf('order-1') }],
        },
      }),
      'P17 who',
    ],
    'an address that is stored for everybody to read': [
      evidenceOf(
        inserted(write('order-1', 'OrderUpdated', { order_id: 'order-1', notes: streetOf('') })),
      ),
      'P17 who',
    ],
    'somebody who was forgotten by mistake': [
      account({
        asked: new Map([
          ...evidenceOf().account.asked,
          [
            'sent',
            {
              ...asked('sent', [told({})]),
              body: JSON.stringify({ order_id: 'order-2', shipping_address: {} }),
            },
          ],
        ]),
      }),
      'P17 who',
    ],
    'an old client that is refused': [
      account({
        asked: new Map([
          ['buy', evidenceOf().account.asked.get('buy')!],
          ['old', asked('old', [told({ status: 400, isProblem: true })], 'old order')],
        ]),
      }),
      'P14 old',
    ],
  }
  for (const [what, [evidence, expected]] of Object.entries(cases))
    it(`notice ${what}`, () => {
      const found = broken(evidence)
      ok(found.includes(expected), `${found.join()}: ${said(evidence).join('; ')}`)
    })
})
