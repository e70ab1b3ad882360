// Files as strangers write them: what is read of them, and what is said of what cannot be read.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { JobFormat } from '#runtime/job-operations.ts'
import { seedOfRun } from '#testing/random.ts'
import { type Column, escaped, type FileRow } from './columns.ts'
import { csvRows } from './csv-rows.ts'
import { headOf, textOf } from './file-text.ts'
import { ndjsonRows } from './ndjson-rows.ts'

const columns: readonly Column[] = [
  { name: 'code', kind: 'text', aliases: ['sku'], isRequired: true },
  { name: 'name', kind: 'text' },
  { name: 'price', kind: 'decimal' },
  { name: 'count', kind: 'integer' },
  { name: 'is_active', kind: 'flag' },
  { name: 'more', kind: 'json' },
  { name: 'reason', kind: 'text', isInputOnly: true },
]

async function* inPieces(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const rowsOf = { csv: csvRows, ndjson: ndjsonRows }
async function read(format: JobFormat, text: string | Uint8Array): Promise<readonly FileRow[]> {
  const rows: FileRow[] = []
  for await (const row of rowsOf[format](inPieces(text), columns)) rows.push(row)
  return rows
}
const csv = (text: string | Uint8Array) => read('csv', text)
const fields = async (format: JobFormat, text: string) =>
  (await read(format, text)).map((row) => ('fields' in row ? row.fields : row.errors))

describe('a CSV file', () => {
  test('is read whichever way a spreadsheet writes it', async () => {
    const wanted = [{ code: 'a', price: '1.50' }, { code: 'b' }]
    for (const delimiter of [',', ';', '\t'])
      for (const newline of ['\n', '\r\n'])
        for (const bom of ['', '\ufeff'])
          for (const end of ['', newline, newline + newline]) {
            const lines = [
              ['code', 'price'],
              ['a', '1.50'],
              ['b', ''],
            ]
            const text = bom + lines.map((line) => line.join(delimiter)).join(newline) + end
            deepEqual(await fields('csv', text), wanted, JSON.stringify(text))
          }
  })
  test('may have quotes, and lines within them; each row tells the line it begins in', async () => {
    const text = 'code,name\r\n"a","one, ""two""\r\nthree"\r\nb,5" pipe\r\n\r\nc,\r\n'
    deepEqual(await csv(text), [
      { line: 2, fields: { code: 'a', name: 'one, "two"\r\nthree' } },
      { line: 4, fields: { code: 'b', name: '5" pipe' } },
      { line: 6, fields: { code: 'c' } },
    ])
  })
  test('may have rows with nothing in them, as spreadsheets leave them behind', async () => {
    const text = 'code;name;price\na;x;\n;;\n \n;" ";\nb;;\n;;\n;;'
    deepEqual(await csv(text), [
      { line: 2, fields: { code: 'a', name: 'x' } },
      { line: 6, fields: { code: 'b' } },
    ])
  })
  test('names its columns as one likes: any order, any case, by other names', async () => {
    deepEqual(await fields('csv', ' Name ;SKU\nx;a\n'), [{ code: 'a', name: 'x' }])
  })
  test('with columns that nobody knows is refused at once, with what was meant', async () => {
    const wrong =
      /"prize" is not a column; did you mean price\?.*code is there twice.*There are code/
    await rejects(csv('code,sku,prize\na,b,1\n'), wrong)
    await rejects(csv('name\na\n'), /code is missing/)
    await rejects(csv(''), /The file is empty/)
    await rejects(csv(`code,${'x'.repeat(500)}\n`), (error: Error) => error.message.length < 300)
  })
  test('with more columns than any file has is not pondered for long', async () => {
    await rejects(csv(`code${',naem'.repeat(200)}\n`), /There are 201 columns, more than/)
    await rejects(csv(`code${',naem'.repeat(199)}\n`), /"naem" is not a column/)
  })
  test('lets others have their turn, also where its rows have nothing in them', async () => {
    let turns = 0
    const others = setInterval(() => turns++, 0)
    const text = `code,name\n${',\n'.repeat(100_000)}a,b\n`
    const rows = csvRows(inPieces(text, text.length), columns)
    const { value } = await rows.next().finally(() => clearInterval(others))
    deepEqual([value?.line, turns > 5], [100_002, true], `${turns} turns`)
  })
  test('that is not UTF-8 is refused, not bent', async () => {
    await rejects(csv(Buffer.from('code\ncaf\xe9\n', 'latin1')), /not UTF-8/)
    await rejects(csv(Buffer.from([...Buffer.from('code\ncaf'), 0xc3])), /not UTF-8/)
  })
  test('whose quote is never closed says so, and does not fill the memory', async () => {
    const text = `code\nfine\n"${'x\n'.repeat(700_000)}`
    const rows: FileRow[] = []
    await rejects(async () => {
      for await (const row of csvRows(inPieces(text, 65_536), columns)) rows.push(row)
    }, /a quote was opened and never closed/)
    ok(rows.length <= 1)
  })
  test('has errors of its rows, each with its reason, and the others are read', async () => {
    const text =
      'code,price,count,is_active,more\na,"1,50",1,true,{}\n,1,x,yes,{\nb,1\nc,1e3,,,\nd,1.5,7,FALSE,"[1]"\n'
    deepEqual(await csv(text), [
      {
        line: 2,
        errors: { price: 'has a comma: decimals have a point, and no mark between thousands' },
      },
      {
        line: 3,
        errors: {
          count: 'must be a whole number',
          is_active: 'must be true or false',
          more: 'ends in the middle of its JSON',
          code: 'is required',
        },
      },
      { line: 4, errors: { '(row)': 'has 2 cells, the header 5' } },
      { line: 5, errors: { price: 'must be a decimal number such as 1.50' } },
      { line: 6, fields: { code: 'd', price: '1.5', count: 7, is_active: false, more: [1] } },
    ])
  })
  test('has no cell that nobody could keep', async () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const text = ['a\0b,', `a,${deep}`, 'a,"{""x"":""\\u0000""}"', 'a,"{""__proto__"":1}"']
    deepEqual(await fields('csv', `code,more\n${text.join('\n')}\n`), [
      { code: 'holds a NUL character' },
      { more: 'is nested deeper than 32 levels' },
      { more: 'holds a NUL character' },
      { more: 'is not an allowed name' },
    ])
  })
})

describe('a file of JSON lines', () => {
  test('is an object a line; decimals keep their digits, null empties', async () => {
    const text =
      '\ufeff{"code":"a","price":1.10,"count":3}\r\n\n{"sku":7,"price":"2.5","name":null}\n'
    deepEqual(await read('ndjson', text), [
      { line: 1, fields: { code: 'a', price: '1.10', count: 3 } },
      { line: 3, fields: { code: '7', price: '2.5', name: null } },
    ])
  })
  test('has errors of its rows: whatever is wrong with one line is wrong with that line', async () => {
    const text = '{"code":"a","prize":1}\n[1]\n{"code":\n{"code":"a","code":"b"}\n{"code":true}\n{}'
    const found = await read('ndjson', text)
    deepEqual(
      found.map(({ line }) => line),
      [1, 2, 3, 4, 5, 6],
    )
    const [first, ...others] = found.map((row) => ('errors' in row ? row.errors : {}))
    match(first?.['(row)'] ?? '', /did you mean price/)
    deepEqual(others[0], { '(row)': 'must be a JSON object' })
    ok(Object.keys(others[1] ?? {}).length > 0)
    ok('code' in (others[2] ?? {}))
    deepEqual(others[3], { code: 'must be a text' })
    deepEqual(others[4], { code: 'is required' })
  })
  test('without an end of lines is not read for ever', async () => {
    const line = inPieces(`{"code":"${'x'.repeat(1_100_000)}`, 65_536)
    await rejects(ndjsonRows(line, columns).next(), /longer than 1 MB/)
  })
})

describe('a cell that a spreadsheet would run', () => {
  test('has an apostrophe before it, negative numbers have not', () => {
    const row = { code: '=1+1', name: '@x', price: '-1.5' }
    equal(textOf('csv', columns, [row]), "'=1+1,'@x,-1.5,,,\n")
    for (const text of [...'=+-@＝＋－＠', '\t', '\r', '\n'])
      equal(escaped(`${text}x`), `'${text}x`)
    for (const text of ['a=', "'a", ' =']) equal(escaped(text), text)
  })
})

const seed = seedOfRun()
test(`what was written is what is read, whatever it is (SEED=${seed})`, async () => {
  const text = fc
    .oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom(...'\'=+-@＝＠,;\t"\r\n a') }),
    )
    .filter((one) => one.trim() !== '' && one.isWellFormed() && !one.includes('\0'))
  const row = fc.record(
    {
      code: text,
      name: text,
      price: fc.constantFrom('0', '-1.50', '12345678901234.99'),
      count: fc.nat({ max: 999_999_999 }),
      is_active: fc.boolean(),
      more: fc.array(fc.record({ street: text }, { noNullPrototype: true }), { maxLength: 2 }),
    },
    { requiredKeys: ['code'] },
  )
  const format = fc.constantFrom<JobFormat>('csv', 'ndjson')
  const property = fc.asyncProperty(
    fc.array(row, { maxLength: 5 }),
    format,
    async (rows, format) => {
      const written = headOf(format, columns) + textOf(format, columns, rows)
      if (written === '') return
      const known = Object.fromEntries(
        ['name', 'price', 'count', 'is_active', 'more'].map((name) => [name, null]),
      )
      // In CSV an empty cell says nothing; JSON lines say null.
      const wanted = rows.map((one) => ({ ...(format === 'ndjson' ? known : {}), ...one }))
      deepEqual(await fields(format, written), wanted)
    },
  )
  await fc.assert(property, { seed, numRuns: 300 })
})
