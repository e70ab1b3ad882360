// Commands that do one thing and end: export, import, verify, rebuild. Progress and colour only on
// a terminal; results on standard output, everything else on standard error.
import { existsSync } from 'node:fs'
import { styleText } from 'node:util'
import type { Difference, Progress, VerifyReport } from '#runtime/operations.ts'
import { personalData } from '#runtime/personal.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import { verifyReadModels } from '#runtime/verify-read-models.ts'
import { openReadModels as openScratch } from '#storage/memory/read-models.ts'
import { openEventLog, openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { openKeyRing } from '#storage/sqlite/key-ring.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { compose } from './compose.ts'
import { configFor } from './config-for.ts'
import { contextsOf, typesOf } from './contexts.ts'
import { progressBar } from './import/progress.ts'
import { importRetail, type RetailFlags } from './import/retail-command.ts'
import { exportLog, importLog } from './log-file.ts'
import { noProviders } from './no-providers.ts'
import type { Config } from './settings.ts'
import { pathsOf } from './stores.ts'

const say = (line: string) => void process.stdout.write(`${line}\n`)
const colour = (style: 'green' | 'red' | 'bold', text: string) =>
  process.stdout.isTTY ? styleText(style, text) : text

/** The log's file; the commands here need one that is there. */
function existing(config: Config) {
  const paths = pathsOf(config)
  if (config['event_store.driver'] !== 'sqlite' || !existsSync(paths.log))
    throw new Error(`there is no log at ${paths.log}; start once, or name another with --data`)
  return paths
}

export async function exportFile(argv: readonly string[], file: string): Promise<void> {
  const { log: path } = existing(configFor(argv))
  if (existsSync(file)) throw new Error(`${file} is there already; name a file that is not`)
  const log = await openEventLogReadOnly({ path })
  const bar = progressBar(process.stderr)
  try {
    const { events, commands } = await exportLog(log, file, (done, of) =>
      bar.show({ phase: 'Export', done, of }),
    )
    bar.end()
    say(`${events} events and ${commands} command records written to ${file}.`)
    say(
      'Names and addresses in it are sealed: their keys stay in the -keys.db file beside the log.',
    )
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
  const log = await openEventLog({ path: pathsOf(config).log })
  try {
    const { events, commands } = await importLog(log, file)
    say(`${events} events and ${commands} command records put back.`)
  } finally {
    await log.close()
  }
}

/** Reads only, so it may run beside a serving process. */
export async function verify(argv: readonly string[]): Promise<void> {
  const paths = existing(configFor(argv))
  for (const path of [paths.views, paths.keys])
    if (!existsSync(path))
      throw new Error(`there is no ${path} to compare with; start once, and it is filled`)
  const log = await openEventLogReadOnly({ path: paths.log })
  const reads = await openReadModels({ path: paths.views, readOnly: true })
  const keys = await openKeyRing({ path: paths.keys, readOnly: true })
  const scratch = await openScratch()
  const bar = progressBar(process.stderr)
  const onProgress = ({ what, done, of }: Progress) =>
    bar.show({ phase: `Verify ${what}`, done, of })
  try {
    const contexts = contextsOf(noProviders)
    const types = typesOf(contexts)
    const checks = [
      ...(await verifyLog(log, onProgress)),
      ...(await verifyReadModels({
        log,
        reads,
        scratch,
        types,
        onProgress,
        projections: contexts.flatMap(({ projections }) => projections),
        open: personalData(types, keys).open,
      })),
    ]
    bar.end()
    const { position } = await log.head()
    printChecks(checks, position)
  } finally {
    await Promise.all([log.close(), reads.close(), keys.close(), scratch.close()])
  }
}

function printChecks(checks: VerifyReport['checks'], position: number): void {
  for (const { name, compared, differing, differences } of checks) {
    const mark = differing === 0 ? colour('green', 'ok') : colour('red', `${differing} differ`)
    say(`${name}: ${compared} compared, ${mark}`)
    for (const difference of differences) say(shown(difference))
  }
  const sum = checks.reduce((total, { differing }) => total + differing, 0)
  say(colour('bold', `${position} events, ${sum} differences.`))
  if (sum > 0) process.exitCode = 1
}

const shown = ({ key, live, rebuilt }: Difference) =>
  `  ${key}\n    stored:     ${JSON.stringify(live)}\n    recomputed: ${JSON.stringify(rebuilt)}`

export async function rebuild(
  argv: readonly string[],
  name: string | undefined,
  dryRun: boolean,
): Promise<void> {
  const config = configFor(argv)
  existing(config)
  const app = await compose(config, {
    passive: true,
    tell: (line) => void process.stderr.write(`${line}\n`),
  })
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
