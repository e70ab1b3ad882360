// Imports and exports shared out between processes on one server: who takes a file need not be who
// carries it out, and a process that goes leaves its job to the others.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { absent } from '#testing/absent.ts'
import { testDatabase } from '#testing/postgres-server.ts'

const made = await testDatabase()
if ('skipped' in made) absent('postgres', made.skipped, 'jobs of several processes')
else {
  const { url, remove } = made
  const apps: App[] = []
  after(async () => {
    for (const app of apps) await app.close()
    await remove()
  })
  const open = async (roles: string): Promise<App> => {
    const argv = ['--set', `process.roles=${roles}`]
    const env = { DATABASE_DRIVER: 'postgres', DATABASE_POSTGRES_URL: url }
    const read = readConfig({ argv, env, file: null })
    ok(read.ok, JSON.stringify(read))
    const app = await compose(read.config)
    apps.push(app)
    return app
  }
  async function* stock(rows: number): AsyncGenerator<Uint8Array> {
    yield Buffer.from('code,quantity\n')
    for (let row = 0; row < rows; row++) yield Buffer.from(`P${row},1\n`)
  }
  async function* products(rows: number): AsyncGenerator<Uint8Array> {
    yield Buffer.from('code,name,sell_price\n')
    for (let row = 0; row < rows; row++) yield Buffer.from(`P${row},Cup,1\n`)
  }

  test('a file given to one process is carried out by others, also when one of them goes', async () => {
    const ROWS = 800
    const admin = await open('admin')
    const { jobs } = admin.operations
    ok(jobs !== undefined)
    const first = await open('command,query,projection,saga')
    equal(first.operations.jobs, undefined)
    const ended = async (direction: 'import' | 'export', jobId: string) => {
      for (;;) {
        const job = await jobs.get(direction, jobId)
        if (job !== null && job.ended_at !== null) return job
        await sleep(20)
      }
    }
    const file = { format: 'csv', dry_run: false, user_id: null, key: null } as const
    const goods = await jobs.startImport({ ...file, kind: 'products', mode: 'set' }, products(ROWS))
    equal((await ended('import', goods.job_id)).created, ROWS)

    const { job_id } = await jobs.startImport({ ...file, kind: 'stock', mode: 'add' }, stock(ROWS))
    while (((await jobs.get('import', job_id))?.rows ?? 0) === 0) await sleep(5)
    const second = await open('command,query,projection,saga')
    await first.close()
    apps.splice(apps.indexOf(first), 1)
    const { rows, updated, failed } = await ended('import', job_id)
    deepEqual([rows, updated, failed], [ROWS, ROWS, 0])

    await second.projected((await second.log.head()).position)
    const out = await jobs.startExport({
      kind: 'stock',
      format: 'ndjson',
      user_id: null,
      key: null,
    })
    equal((await ended('export', out.job_id)).rows, ROWS)
    const pieces: Uint8Array[] = []
    for await (const piece of jobs.text(out.job_id)) pieces.push(piece)
    const lines = Buffer.concat(pieces).toString().trim().split('\n')
    equal(lines.length, ROWS)
    deepEqual(
      lines.filter((line) => !line.includes('"quantity":1,')),
      [],
    )
  })
}
