// The search's question in a tiny form: some hundreds of products are searched, and most searches
// find something. No times.
import { equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { searchOn } from './product-search.ts'

test('products are searched as people type', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-search-'))
  try {
    const [row, ...others] = await searchOn('SQLite', { products: 400, searches: 60 }).answer({
      folder: () => folder,
      atEnd: () => {},
      seconds: 0.02,
      tell: () => {},
      postgres: () => Promise.reject(new Error('nobody asks for a server here')),
    })
    equal(others.length, 0)
    for (const { value } of [row!.ours, row!.raw, row!.judged]) ok(value > 0)
    const [, found] = /(\d+) of 60 found/.exec(row!.notes![0]!) ?? []
    ok(Number(found) > 20, row!.notes![0])
    match(row!.measure, /400 products/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
