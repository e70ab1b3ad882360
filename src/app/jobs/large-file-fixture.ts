// A file that no heap of this size holds, brought in by a shop that forgets. Run by a test.

import { bringRows } from './bring-rows.ts'
import { csvRows } from './csv-rows.ts'
import type { Kind } from './kind.ts'

const ROWS = 25_000
const CELL = 'x'.repeat(1_190)
let bytes = 0

async function* file(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('code,name\n')
  for (let row = 0; row < ROWS; row += 50) {
    const rows = Array.from({ length: 50 }, (_, i) => `${row + i},${CELL}\n`)
    const piece = Buffer.from(rows.join(''))
    bytes += piece.length
    yield piece
  }
}

const kind: Kind = {
  name: 'products',
  columns: [
    { name: 'code', kind: 'text', isRequired: true },
    { name: 'name', kind: 'text' },
  ],
  keyOf: ({ code }) => String(code),
  bring: async () => 'created',
  page: async () => ({ rows: [], next: null }),
}
const nothing = async () => {
  throw new Error('nothing is asked of the shop')
}
const { counts } = await bringRows(
  {
    ...{ kind, mode: 'set', run: 'run', send: nothing, blinder: nothing },
    log: { claimsOf: nothing, commandRecord: nothing },
  },
  csvRows(file(), kind.columns),
  { onBatch: async () => true },
)
process.stdout.write(`${counts.created} rows of ${Math.round(bytes / 1e6)} MB\n`)
