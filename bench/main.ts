// `npm run bench`: how fast this is, beside what the machine gives without us. Prints a table;
// nothing that a test asserts depends on it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { appendInMemory } from './append-in-memory.ts'
import { appendManyCallers } from './append-many-callers.ts'
import { appendOneCaller } from './append-one-caller.ts'
import { dashboardOn } from './dashboard.ts'
import { eventLoopDelay } from './event-loop-delay.ts'
import {
  allPass,
  chosenGrowth,
  GROWTH_SECONDS,
  type Growth,
  growthText,
  measuredGrowth,
  together,
  writeGrowth,
} from './growth-run.ts'
import { httpCommand } from './http-command.ts'
import { logLength } from './log-length.ts'
import { machineLine, thisMachine } from './machine.ts'
import { withTable } from './page.ts'
import { postgresAppends } from './postgres-appends.ts'
import { postgresCallers } from './postgres-callers.ts'
import { postgresCatchUp } from './postgres-catch-up.ts'
import { openPostgres, type PostgresServer } from './postgres-server.ts'
import { postgresStreamReads } from './postgres-stream-reads.ts'
import { searchOn } from './product-search.ts'
import { projectionCatchUp } from './projection-catch-up.ts'
import { type Question, type Result, type Tools, verdictOf } from './question.ts'
import { openScratch } from './scratch.ts'
import { streamReads } from './stream-reads.ts'
import { textTable } from './table.ts'
import { postgresOrders, wholeOrders } from './whole-orders.ts'

const QUESTIONS: readonly Question[] = [
  appendOneCaller,
  appendManyCallers,
  appendInMemory,
  streamReads,
  projectionCatchUp,
  httpCommand,
  eventLoopDelay,
  logLength,
  wholeOrders,
  dashboardOn('SQLite'),
  searchOn('SQLite'),
  postgresAppends,
  postgresCallers,
  postgresStreamReads,
  postgresCatchUp,
  postgresOrders,
  dashboardOn('PostgreSQL'),
  searchOn('PostgreSQL'),
]
const SECONDS = 3
const ROOT = join(import.meta.dirname, '..')
const DOCS = join(ROOT, 'docs')
const PAGE = join(DOCS, 'performance.md')

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    engine: { type: 'string', multiple: true, default: [] },
    sizes: { type: 'string', default: '' },
    from: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(helpText())
else await (values.growth ? growth() : bench()).catch(complain)

/** A mistake of the caller in one line; a fault of ours with its stack. */
function complain(error: unknown): void {
  const text = error instanceof RangeError ? error.message : String((error as Error).stack ?? error)
  process.stderr.write(`bench: ${text}\n`)
  process.exitCode = 1
}

function helpText(): string {
  return [
    'npm run bench -- [--only NAME]… [--seconds N] [--json FILE] [--write]',
    'npm run bench -- --growth [--engine NAME]… [--sizes N,N…] [--from FILE]…',
    '',
    ...QUESTIONS.map(({ name, about }) => `  ${name.padEnd(22)}${about}`),
    '',
    `  --seconds N   how long one measurement lasts (${SECONDS}; with --growth ${GROWTH_SECONDS})`,
    '  --json FILE   the figures of every round as JSON',
    '  --write       the table into docs/performance.md, with machine and day',
    '  --growth      the log as it grows, to ten million events on each engine in turn',
    '  --engine NAME sqlite or postgresql only',
    '  --sizes N,N   other lengths of the log',
    '  --from FILE   the other engine’s figures, from the JSON of an earlier run',
    '',
  ].join('\n')
}

function chosen(): readonly Question[] {
  const unknown = values.only.filter((name) => !QUESTIONS.some((one) => one.name === name))
  if (unknown.length > 0)
    throw new RangeError(`no question is named ${unknown.join(', ')}; see --help`)
  if (values.only.length === 0) return QUESTIONS
  if (values.write)
    throw new RangeError('--write wants the whole bench: a page of parts would mislead')
  return QUESTIONS.filter(({ name }) => values.only.includes(name))
}

async function bench(): Promise<void> {
  const questions = chosen()
  const seconds = secondsOr(SECONDS)
  const { day, machine, figures } = await measured(seconds, async (tools) => {
    const results: Result[] = []
    for (const { name, answer } of questions) {
      tell(name)
      results.push(...(await answer({ ...tools, tell: (text) => tell(`${name}: ${text}`) })))
    }
    return results
  })
  process.stdout.write(`${machineLine(machine)}\n\n${textTable(figures)}\n`)
  const results = figures.map((result) => ({ ...result, verdict: verdictOf(result) }))
  writeJson({ day, machine, seconds, results })
  if (values.write) {
    const taken = { day, machine: machineLine(machine), seconds }
    writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), figures, taken))
  }
}

async function growth(): Promise<void> {
  const seconds = secondsOr(GROWTH_SECONDS)
  const sizes = values.sizes.split(',').filter((size) => size !== '')
  const choice = chosenGrowth({
    engines: values.engine,
    sizes,
    from: values.from,
    write: values.write,
  })
  const run = await measured(seconds, (tools) => measuredGrowth(tools, choice))
  const [day, machine] = [run.day, machineLine(run.machine)]
  const fresh = run.figures.map((one) => ({ ...one, day, machine }))
  const told: Growth = { seconds, all: together(fresh, choice.earlier) }
  process.stdout.write(`${growthText(told)}\n`)
  writeJson(told)
  if (values.write) writeGrowth(DOCS, told)
  if (!allPass(told.all)) process.exitCode = 1
}

function secondsOr(usual: number): number {
  const seconds = Number(values.seconds ?? usual)
  if (!(seconds > 0))
    throw new RangeError(`--seconds takes a number above 0, not ${values.seconds}`)
  return seconds
}

/** The work with a scratch folder and, when asked for, a server; both gone afterwards. */
async function measured<Figures>(seconds: number, work: (tools: Tools) => Promise<Figures>) {
  const found = thisMachine()
  const scratch = openScratch(join(ROOT, 'data', 'bench-'))
  let server: Promise<PostgresServer> | undefined
  const postgres = () => {
    server ??= openPostgres(scratch)
    return server
  }
  try {
    const { folder, atEnd } = scratch
    const figures = await work({ folder, atEnd, seconds, postgres, tell })
    const machine = server === undefined ? found : { ...found, postgres: (await server).version }
    tell('')
    return { day: new Date().toISOString().slice(0, 10), machine, figures }
  } finally {
    scratch.clear()
  }
}

function writeJson(whole: object): void {
  if (values.json !== undefined)
    writeFileSync(resolve(values.json), `${JSON.stringify(whole, null, 2)}\n`)
}

/** Where we are, on a terminal only, over itself. */
function tell(line: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`)
}
