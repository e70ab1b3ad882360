// The reading of the file: every line is either in one invoice of one kind, or named with its
// reason.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { seedOfRun } from '#testing/random.ts'
import { retailFile } from '#testing/retail-file.ts'
import { type Invoice, instantFrom, lineFrom, type RowError } from './retail-invoice.ts'
import { COLUMNS, NotRetailFile, retailRecords } from './retail-reader.ts'
import { surveyed, surveyedInvoices } from './retail-survey.ts'

const SEED = seedOfRun()
const HEADER = COLUMNS.join(',')
let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'retail-'))
})
after(() => rmSync(folder, { recursive: true }))

function fileOf(content: string | Buffer, name = 'file.csv'): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

async function read(file: string, limit?: number) {
  const survey = await surveyed(file, limit)
  const invoices: Invoice[] = []
  const errors: RowError[] = []
  for await (const one of surveyedInvoices(file, survey)) {
    errors.push(...one.errors)
    if (one.invoice !== null) invoices.push(one.invoice)
  }
  return { survey, invoices, errors }
}

const line = (change: Partial<Record<(typeof COLUMNS)[number], string>>) => {
  const row = {
    InvoiceNo: '536365',
    StockCode: '85123A',
    Description: 'HEART',
    Quantity: '6',
    InvoiceDate: '2010-12-01 08:26:00',
    UnitPrice: '2.55',
    CustomerID: '17850',
    Country: 'France',
    ...change,
  }
  return COLUMNS.map((column) => row[column]).join(',')
}
const kindsOf = async (...lines: string[]) =>
  (await read(fileOf([HEADER, ...lines].join('\n')))).invoices.map(({ kind }) => kind)

describe('a line of the file', () => {
  const reasonOf = (change: Parameters<typeof line>[0]) => {
    const read = lineFrom({ line: 7, fields: line(change).split(',') })
    return 'reason' in read ? read.reason : null
  }

  test('is refused with its reason when price, quantity, date or code cannot be', () => {
    assert.equal(reasonOf({}), null)
    assert.equal(reasonOf({ UnitPrice: '-11062.06' }), 'UnitPrice is negative')
    assert.equal(reasonOf({ UnitPrice: '0.001' }), 'UnitPrice must have at most 2 decimals')
    assert.equal(reasonOf({ UnitPrice: '1e3' }), 'UnitPrice must be a decimal number')
    assert.equal(reasonOf({ UnitPrice: '' }), 'UnitPrice must be a decimal number')
    assert.equal(reasonOf({ Quantity: '1.5' }), 'Quantity must be a whole number')
    assert.equal(reasonOf({ InvoiceDate: '2010-02-30 08:26:00' }), 'InvoiceDate is not a time')
    assert.equal(reasonOf({ StockCode: '' }), 'StockCode must have 1 to 100 characters')
    assert.equal(reasonOf({ InvoiceNo: '' }), 'InvoiceNo is not a number')
    assert.equal(reasonOf({ CustomerID: 'a/b' }), 'CustomerID is not an id')
  })

  test('keeps a price whose further digits are zeros, an empty customer and an empty country', () => {
    const read = lineFrom({
      line: 7,
      fields: line({ UnitPrice: '1.250', CustomerID: '', Country: '' }).split(','),
    })
    assert.ok(!('reason' in read))
    assert.equal(read.unit_price_minor, 125)
    assert.equal(read.customer_id, null)
    assert.equal(read.country, null)
  })

  test('tells its time in the spellings of the known exports, as UTC', () => {
    assert.equal(instantFrom('2010-12-01 08:26:00'), '2010-12-01T08:26:00.000Z')
    assert.equal(instantFrom('2010-12-01T08:26:00Z'), '2010-12-01T08:26:00.000Z')
    assert.equal(instantFrom('12/1/2010 8:26'), '2010-12-01T08:26:00.000Z')
    assert.equal(instantFrom('13/1/2010 8:26'), null)
    assert.equal(instantFrom('yesterday'), null)
  })
})

describe('an invoice', () => {
  test('is a credit when its number begins with C, whatever its lines', async () => {
    assert.deepEqual(await kindsOf(line({ InvoiceNo: 'C1', UnitPrice: '0' })), ['credit'])
  })

  test('is a correction when no line of it has a price and units, otherwise a sale', async () => {
    const free = line({ UnitPrice: '0' })
    const less = line({ Quantity: '-1', UnitPrice: '3' })
    assert.deepEqual(await kindsOf(free, less), ['correction'])
    assert.deepEqual(await kindsOf(free, line({})), ['sale'])
  })

  test('loses refused lines alone; a line that takes away is no line of a sale', async () => {
    const file = fileOf(
      [HEADER, line({ UnitPrice: '-1' }), line({ Quantity: '-2' }), line({}), line({})].join('\n'),
    )
    const { invoices, errors } = await read(file)
    assert.deepEqual(
      invoices.map(({ lines }) => lines.map(({ line }) => line)),
      [[4, 5]],
    )
    assert.deepEqual(errors, [
      { line: 2, invoice: '536365', reason: 'UnitPrice is negative' },
      { line: 3, invoice: '536365', reason: 'Quantity is -2 on an invoice that sells' },
    ])
  })

  test('is one although lines of another stand between, at the time of its first line', async () => {
    const file = fileOf(
      [
        HEADER,
        line({}),
        line({ InvoiceNo: '7' }),
        line({ InvoiceDate: '2010-12-02 00:01:00', StockCode: 'b' }),
      ].join('\n'),
    )
    const { invoices } = await read(file)
    assert.deepEqual(
      invoices.map(({ number, time, lines }) => [number, time, lines.length]),
      [
        ['7', '2010-12-01T08:26:00.000Z', 1],
        ['536365', '2010-12-01T08:26:00.000Z', 2],
      ],
    )
  })
})

describe('the survey', () => {
  test('opens with all units that ever leave, from the whole file whatever the limit', async () => {
    const file = fileOf(
      [
        HEADER,
        line({ Quantity: '6' }),
        line({ InvoiceNo: '2', Quantity: '4' }),
        line({ InvoiceNo: '3', Quantity: '-5', UnitPrice: '0', Description: 'damaged' }),
        line({ InvoiceNo: 'C4', Quantity: '-9' }),
        line({ InvoiceNo: '5', StockCode: '85123a' }),
      ].join('\n'),
    )
    const { survey, invoices } = await read(file, 1)
    assert.deepEqual(survey.products, [
      { code: '85123A', name: 'HEART', sell_price_minor: 255, opening_stock: 15 },
    ])
    assert.deepEqual(
      invoices.map(({ number }) => number),
      ['536365'],
    )
    const whole = await surveyed(file)
    assert.deepEqual(
      whole.products.map(({ code }) => code),
      ['85123A', '85123a'],
    )
    assert.deepEqual(whole.products[0], survey.products[0])
  })

  test('names each customer of the chosen invoices once, since the first time', async () => {
    const file = fileOf(
      [
        HEADER,
        line({ CustomerID: '17850', InvoiceDate: '2010-12-02 08:26:00' }),
        line({ InvoiceNo: '2', CustomerID: '17850.0', InvoiceDate: '2010-12-01 08:26:00' }),
        line({ InvoiceNo: '3', CustomerID: '' }),
        line({ InvoiceNo: '4', CustomerID: '12346', UnitPrice: '-1' }),
        line({ InvoiceNo: '5', CustomerID: '12347', InvoiceDate: '2010-12-03 08:26:00' }),
      ].join('\n'),
    )
    const first = { customer_id: '17850', since: '2010-12-01T08:26:00.000Z' }
    const last = { customer_id: '12347', since: '2010-12-03T08:26:00.000Z' }
    assert.deepEqual((await surveyed(file)).customers, [first, last])
    assert.deepEqual((await surveyed(file, 2)).customers, [first])
  })

  test('names a product as its sales do, not as a mishap does; without any name by its code', async () => {
    const file = fileOf(
      [
        HEADER,
        line({ UnitPrice: '0', Description: 'damaged' }),
        line({ InvoiceNo: '2', Description: '' }),
        line({ InvoiceNo: '3', Description: ' HEART ' }),
        line({ InvoiceNo: '4', Description: 'HEART, NEW' }),
        line({ InvoiceNo: '5', StockCode: 'X', Description: '' }),
      ].join('\n'),
    )
    assert.deepEqual(
      (await surveyed(file)).products.map(({ name }) => name),
      ['HEART', 'X'],
    )
  })
})

describe('the file', () => {
  test('is refused when it is no Online Retail file', async () => {
    await assert.rejects(surveyed(fileOf('a,b\n1,2\n')), NotRetailFile)
    await assert.rejects(surveyed(fileOf('')), NotRetailFile)
    await assert.rejects(surveyed(join(folder, 'nothing.csv')), { code: 'ENOENT' })
  })

  test('tells the line on which each record begins, also after quoted newlines', async () => {
    const file = fileOf(`${HEADER}\r\n1,a,"x\r\ny",1\r\n2,b,"x\ny\nz",1\r\n3\r\n`)
    const lines: number[] = []
    for await (const page of retailRecords(file)) for (const { line } of page) lines.push(line)
    assert.deepEqual(lines, [2, 4, 7])
  })

  test('reads the same packed, with its columns in another order, and in Latin letters', async () => {
    const one = line({ Description: '£5' })
    const expected = (await read(fileOf(`${HEADER}\n${one}\n`))).invoices
    assert.equal(expected[0]?.lines[0].description, '£5')
    const packed = fileOf(gzipSync(`${HEADER}\n${one}\n`), 'file.csv.gz')
    assert.deepEqual((await read(packed)).invoices, expected)
    const latin = fileOf(Buffer.from(`${HEADER}\n${one}\n`, 'latin1'))
    assert.deepEqual((await read(latin)).invoices, expected)
    const turned = [HEADER, one].map((text) => text.split(',').toReversed().join(',')).join('\n')
    assert.deepEqual((await read(fileOf(turned))).invoices, expected)
  })

  test(`of 300 dirty invoices: each line is imported or named (SEED=${SEED})`, async () => {
    const { csv, truth } = retailFile(SEED)
    const { invoices, errors } = await read(fileOf(csv))
    const of = (kind: string) => invoices.filter((invoice) => invoice.kind === kind)
    assert.equal(of('sale').length, truth.sales)
    assert.equal(of('credit').length, truth.credits)
    assert.equal(of('correction').length, truth.corrections)
    assert.deepEqual(
      errors.map(({ line }) => line).sort((a, b) => a - b),
      truth.refused,
    )
    const pence = of('sale').flatMap(({ lines }) =>
      lines.map(({ quantity, unit_price_minor }) => quantity * unit_price_minor),
    )
    assert.equal(
      pence.reduce((a, b) => a + b, 0),
      Object.values(truth.months).reduce((sum, month) => sum + month.pence, 0),
    )
  })
})
