// `npm run bench`: how fast this is, beside what the machine gives without us. Prints a table;
// nothing that a test asserts depends on it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { appendInMemory } from './append-in-memory.ts'
import { appendManyCallers } from './append-many-callers.ts'
import { appendOneCaller } from './append-one-caller.ts'
import { eventLoopDelay } from './event-loop-delay.ts'
import { httpCommand } from './http-command.ts'
import { logLength } from './log-length.ts'
import { machineLine, thisMachine } from './machine.ts'
import { withTable } from './page.ts'
import { postgresAppends } from './postgres-appends.ts'
import { postgresCallers } from './postgres-callers.ts'
import { openPostgres, type PostgresServer } from './postgres-server.ts'
import { projectionCatchUp } from './projection-catch-up.ts'
import { type Question, type Result, verdictOf } from './question.ts'
import { openScratch } from './scratch.ts'
import { streamReads } from './stream-reads.ts'
import { textTable } from './table.ts'
import { wholeOrders } from './whole-orders.ts'

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
  postgresAppends,
  postgresCallers,
]
const SECONDS = 3
const ROOT = join(import.meta.dirname, '..')
const PAGE = join(ROOT, 'docs', 'performance.md')

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string', default: String(SECONDS) },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(helpText())
else await bench().catch(complain)

/** A mistake of the caller in one line; a fault of ours with its stack. */
function complain(error: unknown): void {
  const text = error instanceof RangeError ? error.message : String((error as Error).stack ?? error)
  process.stderr.write(`bench: ${text}\n`)
  process.exitCode = 1
}

function helpText(): string {
  return [
    'npm run bench -- [--only NAME]… [--seconds N] [--json FILE] [--write]',
    '',
    ...QUESTIONS.map(({ name, about }) => `  ${name.padEnd(22)}${about}`),
    '',
    '  --seconds N   how long one measurement lasts (3)',
    '  --json FILE   the figures of every round as JSON',
    '  --write       the table into docs/performance.md, with machine and day',
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
  const seconds = Number(values.seconds)
  if (!(seconds > 0))
    throw new RangeError(`--seconds takes a number above 0, not ${values.seconds}`)
  const questions = chosen()
  const scratch = openScratch(join(ROOT, 'data', 'bench-'))
  const found = thisMachine()
  const results: Result[] = []
  let server: Promise<PostgresServer> | undefined
  const postgres = () => {
    server ??= openPostgres(scratch)
    return server
  }
  for (const { name, answer } of questions) {
    tell(name)
    const { folder, atEnd } = scratch
    const line = (text: string) => tell(`${name}: ${text}`)
    results.push(...(await answer({ folder, atEnd, seconds, postgres, tell: line })))
  }
  tell('')
  const machine = server === undefined ? found : { ...found, postgres: (await server).version }
  scratch.clear()
  const day = new Date().toISOString().slice(0, 10)
  process.stdout.write(`${machineLine(machine)}\n\n${textTable(results)}\n`)
  if (values.json !== undefined) {
    const judged = results.map((result) => ({ ...result, verdict: verdictOf(result) }))
    const whole = { day, machine, seconds, results: judged }
    writeFileSync(resolve(values.json), `${JSON.stringify(whole, null, 2)}\n`)
  }
  if (values.write) {
    const taken = { day, machine: machineLine(machine), seconds }
    writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), results, taken))
  }
}

/** Where we are, on a terminal only, over itself. */
function tell(line: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`)
}
