// Commands that do one thing and end: export, import, verify, rebuild. Progress and colour only on
// a terminal; results on standard output, everything else on standard error.
import { existsSync } from 'node:fs'
import { styleText } from 'node:util'
import type { Difference, Progress, VerifyReport } from '#runtime/operations.ts'
import { personalData } from '#runtime/personal.ts'
import { keptFrom, keptText } from '#runtime/seals.ts'
import { verifyKeys } from '#runtime/verify-keys.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import { verifyReadModels } from '#runtime/verify-read-models.ts'
import { openReadModels as openScratch } from '#storage/memory/read-models.ts'
import { problemsOf } from '#storage/sqlite/check-file.ts'
import { compose } from './compose.ts'
import { configFor } from './config-for.ts'
import { contextsOf, typesOf } from './contexts.ts'
import { progressBar } from './import/progress.ts'
import { importRetail, type RetailFlags } from './import/retail-command.ts'
import { exportLog, importLog } from './log-file.ts'
import { noProviders } from './no-providers.ts'
import type { Config } from './settings.ts'
import { isShared } from './sharing.ts'
import {
  assertWhole,
  openKeys,
  openLog,
  openLogBeside,
  openRows,
  type Places,
  placesOf,
} from './stores.ts'

export const say = (line: string) => void process.stdout.write(`${line}\n`)
const colour = (style: 'green' | 'red' | 'bold', text: string) =>
  process.stdout.isTTY ? styleText(style, text) : text

/** The commands here need a log that is there; a server says by itself what it has. */
export function existing(config: Config): Places {
  const places = placesOf(config)
  const { engine, place } = places.log
  if (engine === 'memory' || (engine === 'sqlite' && !existsSync(place.path)))
    throw new Error(`there is no log at ${place.path}; start once, or name another with --data`)
  return places
}

export async function exportFile(argv: readonly string[], file: string): Promise<void> {
  const { log: stored } = existing(configFor(argv))
  if (existsSync(file)) throw new Error(`${file} is there already; name a file that is not`)
  const log = await openLogBeside(stored)
  const bar = progressBar(process.stderr)
  try {
    await assertWhole(log)
    const { events, commands, seal } = await exportLog(log, file, (done, of) =>
      bar.show({ phase: 'Export', done, of }),
    )
    bar.end()
    const keys =
      stored.engine === 'postgres'
        ? 'schema key_ring of the database'
        : '-keys.db file beside the log'
    say(`${events} events and ${commands} command records written to ${file}.`)
    say(`Seal: ${keptText(seal)}`)
    say(`Names and addresses in it are sealed: their keys stay in the ${keys}.`)
  } finally {
    await log.close()
  }
}

export async function importFile(
  argv: readonly string[],
  kind: string,
  file: string,
  options: RetailFlags,
): Promise<void> {
  const config = configFor(argv)
  if (kind === 'online-retail') return await importRetail(config, file, options)
  if (kind !== 'log') throw new Error(`import takes online-retail or log, not ${kind}`)
  if (options.dryRun || options.limit !== undefined)
    throw new Error('a log is imported whole: --limit and --dry-run are not for it')
  const log = await openLog(placesOf(config).log)
  const bar = progressBar(process.stderr, { inLines: options.inLines })
  try {
    const { events, commands, seal } = await importLog(log, file, {
      onProgress: (done) => bar.show({ phase: 'Import events', done, of: Math.max(done, 1) }),
    })
    bar.end()
    say(`${events} events and ${commands} command records put back.`)
    say(`Seal: ${keptText(seal)}`)
  } finally {
    await log.close()
  }
}

/** Reads only, so it may run beside serving processes. */
export async function verify(argv: readonly string[], seals: readonly string[]): Promise<void> {
  const kept = seals.map(keptFrom)
  const places = existing(configFor(argv))
  for (const { engine, place } of [places.views, places.keys])
    if (engine === 'sqlite' && !existsSync(place.path))
      throw new Error(`there is no ${place.path} to compare with; start once, and it is filled`)
  await using opening = new AsyncDisposableStack()
  const opened = async <T extends { close(): Promise<void> }>(store: Promise<T>): Promise<T> => {
    const one = await store
    opening.defer(() => one.close())
    return one
  }
  const log = await opened(openLogBeside(places.log))
  await assertWhole(log)
  const reads = await opened(openRows(places.views, true))
  const keys = await opened(openKeys(places.keys, true))
  const scratch = await opened(openScratch())
  const bar = progressBar(process.stderr)
  const onProgress = ({ what, done, of }: Progress) =>
    bar.show({ phase: `Verify ${what}`, done, of })
  const contexts = contextsOf(noProviders)
  const types = typesOf(contexts)
  const aggregates = contexts.flatMap((context) => context.aggregates)
  const personal = personalData(types, keys)
  const recorded = await verifyLog(log, { onProgress, kept, folding: { aggregates, types } })
  const checks = [
    ...recorded.checks,
    ...filesOf(places),
    ...(await verifyReadModels({
      log,
      reads,
      scratch,
      types,
      onProgress,
      projections: contexts.flatMap(({ projections }) => projections),
      open: personal.open,
    })),
    await verifyKeys({ log, types, personal, onProgress }),
  ]
  bar.end()
  const { position } = await log.head()
  printChecks(checks, position)
  say(`Seal: ${keptText(recorded.seal)} (keep it elsewhere; --seal compares with it)`)
}

/** A file's own soundness; a server sees to its own. */
function filesOf(places: Places): VerifyReport['checks'] {
  const files = [places.log, places.keys, places.views].filter(({ engine }) => engine === 'sqlite')
  if (files.length === 0) return []
  const differences = files.flatMap(({ place: { path } }) =>
    problemsOf(path).map((why) => ({ key: path, live: { why }, rebuilt: null })),
  )
  const differing = differences.length
  return [{ name: 'files', compared: files.length, differing, differences }]
}

/** The number of differences; exit code 1 when there are any. */
export function printChecks(checks: VerifyReport['checks'], position: number): number {
  for (const { name, compared, differing, differences } of checks) {
    const mark = differing === 0 ? colour('green', 'ok') : colour('red', `${differing} differ`)
    say(`${name}: ${compared} compared, ${mark}`)
    for (const difference of differences) say(shown(difference))
  }
  const sum = checks.reduce((total, { differing }) => total + differing, 0)
  say(colour('bold', `${position} events, ${sum} differences.`))
  if (sum > 0) process.exitCode = 1
  return sum
}

const shown = ({ key, live, rebuilt }: Difference) =>
  live !== null && 'why' in live ? `  ${key}: ${String(live.why)}` : wholly(key, live, rebuilt)
const wholly = (key: string, live: object | null, rebuilt: object | null) =>
  `  ${key}\n    stored:     ${JSON.stringify(live)}\n    recomputed: ${JSON.stringify(rebuilt)}`

export async function rebuild(
  argv: readonly string[],
  name: string | undefined,
  dryRun: boolean,
): Promise<void> {
  const config = configFor(argv)
  existing(config)
  // On a server others may be at work: this process then only operates, as one of the role admin.
  const roles = isShared(config) ? ({ 'process.roles': ['admin'] } as const) : {}
  const app = await compose(
    { ...config, ...roles },
    {
      passive: true,
      tell: (line) => void process.stderr.write(`${line}\n`),
    },
  )
  try {
    const known = (await app.operations.projections()).map((status) => status.name)
    if (name !== undefined && !known.includes(name))
      throw new Error(`there is no read model ${name}; there are ${known.join(', ')}`)
    for (const one of name === undefined ? known : [name]) {
      const { events, rows, differing, differences, swapped } = await app.operations.rebuild(one, {
        dryRun,
      })
      const mark =
        differing === 0
          ? colour('green', 'no difference')
          : colour('red', `${differing} rows differed`)
      say(`${one}: ${events} events, ${rows} rows, ${mark}${swapped ? '' : ', not swapped'}`)
      for (const difference of differences) say(shown(difference))
    }
  } finally {
    await app.close()
  }
}
