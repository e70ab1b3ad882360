// The PostgreSQL that tests run on: real, durable, a little odd, and gone with whoever started it.
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { onPostgres } from './postgres-server.ts'

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

const NONE = "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"
const there = (name: string) => `SELECT count(*)::int FROM pg_database WHERE datname = '${name}'`

await onPostgres('the PostgreSQL of the tests', (fresh) => {
  it('is durable: nothing that keeps an answer from being on the disk is turned off', async () => {
    const { url, remove } = await fresh()
    for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit'])
      deepEqual(await ask(url, `SHOW ${setting}`), ['on'])
    await remove()
  })

  it('gives every test an empty database of its own, and takes it back', async () => {
    const [one, two] = [await fresh(), await fresh()]
    notEqual(one.url, two.url)
    await ask(one.url, 'CREATE TABLE public.made (n int)')
    deepEqual(await ask(one.url, NONE), [1])
    deepEqual(await ask(two.url, NONE), [0])
    await one.remove()
    const name = new URL(one.url).pathname.slice(1)
    while ((await ask(two.url, there(name)))[0] !== 0) await wait(20)
    await two.remove()
  })
})

/** Runs a program as a file that is run by hand: no server is given to it. */
const byHand = (tmp: string) => {
  const {
    TEST_POSTGRES_URL: _,
    DAYBOOK_TEST_POSTGRES: __,
    NODE_TEST_CONTEXT: ___,
    ...env
  } = process.env
  return { ...env, TMPDIR: tmp }
}

const takesOne = `
  const { testDatabase } = await import('${join(import.meta.dirname, 'postgres-server.ts')}')
  console.log(JSON.stringify(await testDatabase()))
  if (process.argv.includes('stay')) setInterval(() => {}, 1000)`

describe('a PostgreSQL that a test process starts for itself', () => {
  for (const [end, stay] of [
    ['killed', true],
    ['done', false],
  ] as const)
    it(`is stopped, and its folder removed, when that process is ${end}`, async (t) => {
      const tmp = mkdtempSync(join(tmpdir(), 'daybook-by-hand-'))
      chmodSync(tmp, 0o1777)
      const child = spawn(
        process.execPath,
        ['--input-type=module', '-e', takesOne, ...(stay ? ['stay'] : [])],
        { env: byHand(tmp), stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const exit = once(child, 'exit')
      const [text] = (await once(child.stdout, 'data')) as [Buffer]
      const { url, skipped } = JSON.parse(text.toString())
      if (skipped !== undefined) return t.skip(skipped)
      if (stay) {
        equal(readdirSync(tmp).length, 1)
        child.kill('SIGKILL')
      }
      await exit
      while (readdirSync(tmp).length > 0) await wait(20)
      await wait(20)
      const gone = await ask(url, 'SELECT 1').then(
        () => 'still there',
        (error) => error.code,
      )
      equal(gone, 'ECONNREFUSED')
      rmSync(tmp, { recursive: true })
    })
})

describe('where there is no PostgreSQL', () => {
  const tmp = mkdtempSync(join(tmpdir(), 'daybook-absent-'))
  const file = join(tmp, 'suite.test.mjs')
  const run = (env: Record<string, string>) =>
    spawnSync(process.execPath, ['--test', '--test-reporter=spec', file], {
      env: { ...byHand(tmp), DAYBOOK_TEST_POSTGRES_TROUBLE: 'no such program', ...env },
      encoding: 'utf8',
    })

  it('a suite says that it is skipped and why, and fails where it is required', () => {
    writeFileSync(
      file,
      `import { onPostgres } from '${join(import.meta.dirname, 'postgres-server.ts')}'
       await onPostgres('the suite', () => { throw new Error('it ran') })`,
    )
    const skipped = run({ REQUIRE_ENGINES: 'memory' })
    match(skipped.stdout, /the suite: needs postgres.*# postgres is not here: no such program/)
    equal(skipped.status, 0)
    const failed = run({ REQUIRE_ENGINES: 'memory,postgres' })
    match(failed.stdout, /postgres is required: no such program/)
    equal(failed.status, 1)
    rmSync(tmp, { recursive: true })
  })
})
