// Mutation testing: changes the code in small ways and looks whether a test notices.
//   npm run mutate                          everything in scope, into docs/mutation.md
//   npm run mutate -- --only money.ts       the files whose path contains this, into the page too
//   npm run mutate -- --changed [BASE]      the lines that differ from BASE
// Ends with 1 when fewer than 80 of a hundred changes are noticed.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { baseFrom, type Changed, changedSince, chosen, headCommit } from './mutate-changes.ts'
import { counted, readRows, rowOf, scoreOf, sumOf, writeRows } from './mutate-page.ts'
import { type Lines, mutate, type Outcome, sweep } from './mutate-run.ts'
import { GROUPS, ROOT, SCORE_MIN, type Subject, subjects } from './mutate-scope.ts'

/** For lines of files that have not been measured yet. */
const SECONDS_PER_LINE = 0.7

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    seconds: { type: 'string', default: '120' },
    concurrency: { type: 'string' },
  },
})

try {
  process.exitCode = values.changed ? await changes(positionals[0]) : await scores(values.only)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
} finally {
  sweep()
}

async function scores(only: readonly string[] | undefined): Promise<number> {
  const all = subjects()
  const wanted = all.filter(
    ({ path }) => only === undefined || only.some((part) => path.includes(part)),
  )
  if (wanted.length === 0) throw new Error(`nothing in scope is called ${only?.join(' or ')}`)
  const measured = { day: new Date().toISOString().slice(0, 10), commit: headCommit() }
  for (const subject of wanted) {
    const outcome = await told(subject)
    writeRows([rowOf(outcome, measured)], all)
  }
  const rows = new Map(readRows().map((row) => [row.path, row]))
  const sums = GROUPS.map((group) => {
    const paths = all.filter(({ area }) => area.group === group).map(({ path }) => path)
    const score = scoreOf(sumOf(paths.flatMap((path) => rows.get(path) ?? [])))
    const missing = paths.filter((path) => !rows.has(path)).length
    console.log(`${group}: ${score.toFixed(1)} %${missing > 0 ? `, ${missing} files missing` : ''}`)
    return score
  })
  return sums.every((score) => score >= SCORE_MIN) ? 0 : 1
}

async function changes(named: string | undefined): Promise<number> {
  const base = baseFrom(named ?? process.env.MUTATE_BASE)
  if (base === null) return said('There is no earlier commit to compare with: nothing is mutated.')
  const all = new Map(subjects().map((subject) => [subject.path, subject]))
  const changed = changedSince(base, [...all.keys()])
  if (changed.length === 0) return said(`Nothing in scope differs from ${base}.`)
  const { taken, left } = chosen(changed, Number(values.seconds), secondsPerLine())
  const deadline = AbortSignal.timeout(1_000 * Number(values.seconds))
  const late: Changed[] = []
  const outcomes: Outcome[] = []
  for (const { path, lines } of taken) {
    const outcome = deadline.aborted ? null : await told(all.get(path)!, lines, deadline)
    if (outcome === null) late.push({ path, lines })
    else outcomes.push(outcome)
  }
  for (const { path, lines } of [...late, ...left])
    console.log(`left out, there was no time: ${path}:${shown(lines)}`)
  const sum = sumOf(outcomes.map(({ mutants }) => counted(mutants)))
  if (outcomes.every(({ mutants }) => mutants.length === 0))
    return said(`There was nothing to mutate, or no time for it: no score since ${base}.`)
  const score = scoreOf(sum)
  console.log(`${score.toFixed(1)} % of what differs from ${base}; ${SCORE_MIN} % are asked for`)
  return score >= SCORE_MIN ? 0 : 1
}

/** One file, or some lines of it, mutated; what no test noticed is told. */
async function told(subject: Subject): Promise<Outcome>
async function told(s: Subject, lines: readonly Lines[], end: AbortSignal): Promise<Outcome | null>
async function told(
  subject: Subject,
  lines?: readonly Lines[],
  signal?: AbortSignal,
): Promise<Outcome | null> {
  const { path } = subject
  const concurrency = Number(values.concurrency ?? (values.changed ? 2 : 1))
  const outcome = await mutate(subject, { lines, concurrency, signal })
  if (outcome === null) return null
  const { killed, timeout, survived, uncovered } = counted(outcome.mutants)
  const score = scoreOf(counted(outcome.mutants)).toFixed(1)
  const which = lines === undefined ? '' : `:${shown(lines)}`
  const noticed = `${killed + timeout} noticed, ${survived} survived, ${uncovered} not covered`
  console.log(`${path}${which}  ${score} %: ${noticed}, ${outcome.seconds.toFixed(0)} s`)
  for (const { line, mutator, status, before, after } of outcome.mutants)
    if (status !== 'Killed' && status !== 'Timeout' && status !== 'Ignored')
      console.log(`  ${path}:${line} ${status} ${mutator}: ${before}  →  ${after}`)
  return outcome
}

/** As it took when the whole file was measured. */
function secondsPerLine(): (path: string) => number {
  const rows = new Map(readRows().map((row) => [row.path, row]))
  return (path) => {
    const lines = readFileSync(join(ROOT, path), 'utf8').split('\n').length
    const row = rows.get(path)
    return row === undefined ? SECONDS_PER_LINE : Math.max(0.01, row.seconds / lines)
  }
}

function shown(lines: readonly Lines[]): string {
  return lines.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}

function said(what: string): number {
  console.log(what)
  return 0
}
