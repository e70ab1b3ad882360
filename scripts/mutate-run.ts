// One run of Stryker over one file, or some lines of it: its settings are those of
// stryker.config.json, its outcome is read from its report.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { ROOT, type Subject } from './mutate-scope.ts'

/** First and last line, both included. */
export type Lines = readonly [from: number, to: number]
export type Mutant = {
  readonly line: number
  readonly mutator: string
  readonly status: string
  readonly before: string
  readonly after: string
}
export type Outcome = {
  readonly path: string
  readonly mutants: readonly Mutant[]
  readonly seconds: number
}

/** Of this process alone, so that two runs do not clear each other away. */
const WORK = join(ROOT, '.stryker-tmp', String(process.pid))
const REPORTS = join(ROOT, 'reports', 'mutation')
const SHOWN_MAX = 160

export type RunOptions = {
  /** Absent: all of it. */
  readonly lines?: readonly Lines[] | undefined
  readonly concurrency: number
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/** null: it was given up. */
export async function mutate(
  { path, area }: Subject,
  { lines, concurrency, signal }: RunOptions,
): Promise<Outcome | null> {
  mkdirSync(WORK, { recursive: true })
  const name = path.replaceAll('/', '-').replace(/\.ts$/, '')
  const settings = join(WORK, `${name}.config.json`)
  const report = join(REPORTS, `${name}.json`)
  const base = JSON.parse(readFileSync(join(ROOT, 'stryker.config.json'), 'utf8'))
  const mine = {
    ...base,
    tap: { ...base.tap, testFiles: area.tests },
    tempDirName: WORK,
    mutate: lines?.map(([from, to]) => `${path}:${from}-${to}`) ?? [path],
    jsonReporter: { fileName: report },
    concurrency,
  }
  rmSync(report, { force: true })
  writeFileSync(settings, JSON.stringify(mine))
  const started = performance.now()
  if (!(await stryker(settings, signal))) return null
  const seconds = (performance.now() - started) / 1_000
  return { path, mutants: mutantsIn(report, path), seconds }
}

/** What the runs leave behind: their settings and what Node compiled for them. */
export const sweep = (): void => rmSync(WORK, { recursive: true, force: true })

/** false: it was given up. */
async function stryker(settings: string, signal?: AbortSignal): Promise<boolean> {
  const entry = createRequire(import.meta.url).resolve('@stryker-mutator/core')
  const command = join(dirname(entry), '..', '..', 'bin', 'stryker.js')
  const child = spawn(process.execPath, [command, 'run', settings], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the tests that it runs end with it.
    detached: true,
    env: {
      ...process.env,
      // The runner starts `node`; it is to be this one. Compiled once, not once for each mutant.
      PATH: dirname(process.execPath) + delimiter + process.env.PATH,
      NODE_COMPILE_CACHE: join(WORK, 'compiled'),
    },
  })
  const said: Buffer[] = []
  child.stdout.on('data', (chunk) => said.push(chunk))
  child.stderr.on('data', (chunk) => said.push(chunk))
  const stop = () => void process.kill(-child.pid!)
  const leave = () => {
    stop()
    process.exit(1)
  }
  signal?.addEventListener('abort', stop)
  for (const name of SIGNALS) process.once(name, leave)
  const code = await new Promise((resolve, refuse) => child.on('error', refuse).on('exit', resolve))
  signal?.removeEventListener('abort', stop)
  for (const name of SIGNALS) process.removeListener(name, leave)
  if (signal?.aborted && code !== 0) return false
  if (code !== 0) throw new Error(`Stryker ended with ${code}:\n${Buffer.concat(said)}`)
  return true
}
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

type Place = { readonly line: number; readonly column: number }
type Reported = {
  readonly mutatorName: string
  readonly status: string
  readonly replacement?: string
  readonly location: { readonly start: Place; readonly end: Place }
}

function mutantsIn(report: string, path: string): readonly Mutant[] {
  const file = JSON.parse(readFileSync(report, 'utf8')).files[path]
  if (file === undefined) return []
  const text: readonly string[] = file.source.split('\n')
  return (file.mutants as readonly Reported[])
    .map(({ mutatorName, status, replacement = '', location: { start, end } }) => ({
      line: start.line,
      mutator: mutatorName,
      status,
      before: shown(cut(text, start, end)),
      after: shown(replacement),
    }))
    .sort((a, b) => a.line - b.line)
}

function cut(text: readonly string[], start: Place, end: Place): string {
  const whole = text.slice(start.line - 1, end.line)
  whole[whole.length - 1] = whole.at(-1)!.slice(0, end.column - 1)
  whole[0] = whole[0]!.slice(start.column - 1)
  return whole.join('\n')
}

const shown = (code: string) => {
  const flat = code.replaceAll(/\s+/g, ' ')
  return flat.length > SHOWN_MAX ? `${flat.slice(0, SHOWN_MAX)} …` : flat
}
