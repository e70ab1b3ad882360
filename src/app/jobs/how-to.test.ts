// The files in docs/how-to/import-and-export.md are files that the shop takes, every row of them.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import type { JobKind, JobMode } from '#runtime/job-operations.ts'
import { blocksOf } from '#testing/prose.ts'
import { kinds } from './kinds.ts'

const page = readFileSync(
  join(import.meta.dirname, '../../../docs/how-to/import-and-export.md'),
  'utf8',
)
const files = blocksOf(page).filter(({ language }) => language === 'csv')
const wanted: readonly (readonly [JobKind, JobMode])[] = [
  ['products', 'set'],
  ['stock', 'set'],
  ['stock', 'add'],
  ['customers', 'set'],
]

test('the page about files shows files that are taken as they are', async () => {
  equal(files.length, wanted.length)
  const sets = ['event_store.driver=memory', 'read_store.driver=memory']
  const read = readConfig({ argv: sets.flatMap((set) => ['--set', set]), env: {}, file: null })
  ok(read.ok)
  const app = await compose(read.config)
  const { jobs } = app.operations
  for (const [i, [kind, mode]] of wanted.entries()) {
    const text = async function* () {
      yield Buffer.from(files[i]!.code)
    }
    const what = { kind, mode, format: 'csv', dry_run: false, user_id: null, key: null } as const
    const { job_id } = await jobs!.startImport(what, text())
    let job = await jobs!.get('import', job_id)
    for (; job?.ended_at === null; job = await jobs!.get('import', job_id)) await sleep(5)
    const errors = await jobs!.errors(job_id, { after: null, limit: 10 })
    deepEqual([job?.status, job?.failed, errors], ['done', 0, []], `file ${i + 1}`)
    ok((job?.rows ?? 0) > 0)
  }
  await app.close()
})

test('the page about files names every column that is written', () => {
  for (const { columns, name } of Object.values(kinds))
    for (const column of columns.filter(({ isInputOnly }) => !isInputOnly))
      ok(page.includes(column.name), `${name}: ${column.name}`)
})
