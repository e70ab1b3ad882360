// `daybook import products|stock|customers FILE` and `daybook export …`: files of this machine, in
// and out of the shop. A dry run and an export read only, and may run beside a shop at work.

import { createHash } from 'node:crypto'
import { createReadStream, existsSync, renameSync } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { compose } from '#app/compose.ts'
import { shopSettings } from '#app/config.ts'
import { configFor } from '#app/config-for.ts'
import { contextsOf, typesOf } from '#app/contexts.ts'
import { type Progress, progressBar } from '#app/import/progress.ts'
import { existing, say } from '#app/jobs.ts'
import { noProviders } from '#app/no-providers.ts'
import type { Config } from '#app/settings.ts'
import { assertWhole, openKeys, openLogBeside, openRows } from '#app/stores.ts'
import type { JobFormat, JobMode } from '#runtime/job-operations.ts'
import { personalData } from '#runtime/personal.ts'
import { type BringParts, bringRows, type Counts, type RowError } from './bring-rows.ts'
import { headOf, textOf } from './file-text.ts'
import { formatOf, type KindName, kinds, rowsOf } from './kinds.ts'
import { rehearsal } from './rehearsal.ts'

export type FileFlags = {
  readonly format?: JobFormat
  readonly mode: JobMode
  readonly dryRun: boolean
  /** Progress in plain lines where there is no terminal. */
  readonly inLines: boolean
}

/** As a shell says it of a process that ^C has ended. */
const STOPPED_EXIT_CODE = 130
/** More are counted, not shown. */
const ERRORS_SHOWN_MAX = 100

export async function importShopFile(
  argv: readonly string[],
  name: KindName,
  file: string,
  flags: FileFlags,
): Promise<void> {
  const config = configFor(argv)
  const format = flags.format ?? formatOf(file)
  const { size } = await stat(file)
  await using opening = new AsyncDisposableStack()
  const { dryRun, mode, inLines } = flags
  const door = dryRun ? await tryingDoor(config, opening) : await writingDoor(config, opening)
  const bar = progressBar(process.stderr, { inLines })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  let read = 0
  let shown = 0
  const bytes = createReadStream(file, { highWaterMark: 256 * 1024 })
  const counted = async function* () {
    for await (const chunk of bytes) {
      read += chunk.length
      yield chunk as Buffer
    }
  }
  const parts: BringParts = {
    ...door,
    ...{ kind: kinds[name], mode },
    // Goods that were added once are not added again by the same file; whatever else a file says
    // holds as often as it is said.
    run: mode === 'add' ? await digestOf(file) : crypto.randomUUID(),
    tell: (line) => void process.stderr.write(`${line}\n`),
  }
  const onBatch = async (counts: Counts, errors: readonly RowError[]) => {
    const progress: Progress = { phase: 'Rows', done: read, of: size }
    bar.show({ ...progress, note: `${counts.rows} rows` })
    for (const error of errors) {
      if (++shown > ERRORS_SHOWN_MAX) break
      process.stderr.write(`line ${error.line}: ${error.field} ${error.reason}\n`)
    }
    return true
  }
  const rows = rowsOf(kinds[name], format, counted())
  const { counts, finished } = await bringRows(parts, rows, { onBatch, signal: stop.signal })
  bar.end()
  await door.settled()
  if (shown > ERRORS_SHOWN_MAX) process.stderr.write('… and more.\n')
  say(summary(counts, dryRun))
  if (counts.failed > 0) process.exitCode = 1
  if (!finished) process.exitCode = STOPPED_EXIT_CODE
}

export const summary = ({ rows, created, updated, failed }: Counts, dryRun: boolean): string =>
  `${rows} rows: ${created} ${dryRun ? 'would be ' : ''}created, ${updated} ` +
  `${dryRun ? 'would be ' : ''}updated, ${failed} refused.` +
  (dryRun ? ' Nothing was written.' : '')

type Door = Pick<BringParts, 'send' | 'log' | 'blinder'> & { settled(): Promise<void> }

/** Whatever the settings say of serving processes: an import needs all there is. */
async function writingDoor(config: Config, opening: AsyncDisposableStack): Promise<Door> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const app = await compose({ ...config, 'process.roles': ['all'] }, { tell })
  opening.defer(() => app.close())
  const settled = async () => app.projected((await app.log.head()).position)
  return { send: app.send, log: app.log, blinder: app.blinder, settled }
}

async function tryingDoor(config: Config, opening: AsyncDisposableStack): Promise<Door> {
  const places = existing(config)
  const log = await openLogBeside(places.log)
  opening.defer(() => log.close())
  await assertWhole(log)
  const keys = await openKeys(places.keys, true)
  opening.defer(() => keys.close())
  const contexts = contextsOf(noProviders)
  const types = typesOf(contexts)
  const rehearsed = rehearsal({
    ...{ log, types, settings: shopSettings(config), personal: personalData(types, keys) },
    aggregates: contexts.flatMap(({ aggregates }) => aggregates),
    commands: contexts.flatMap(({ commands }) => commands),
    now: () => new Date().toISOString(),
  })
  return { ...rehearsed, settled: async () => {} }
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const chunk of createReadStream(file)) digest.update(chunk as Buffer)
  return digest.digest('hex')
}

// ── out ───────────────────────────────────────────────────────────────────────────────────────

export async function exportShopFile(
  argv: readonly string[],
  name: KindName,
  file: string,
  flags: Pick<FileFlags, 'format' | 'inLines'>,
): Promise<void> {
  const places = existing(configFor(argv))
  if (existsSync(file)) throw new Error(`${file} is there already; name a file that is not`)
  const format = flags.format ?? formatOf(file)
  const kind = kinds[name]
  const reads = await openRows(places.views, true)
  // The file has its name when it is whole.
  const part = `${file}.part`
  try {
    await using out: FileHandle = await open(part, 'w')
    await out.write(headOf(format, kind.columns))
    let rows = 0
    for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; ) {
      const page = await kind.page(reads, cursor)
      await out.write(textOf(format, kind.columns, page.rows))
      rows += page.rows.length
      cursor = page.next
      isFirst = false
    }
    await out.sync()
    renameSync(part, file)
    say(`${rows} rows written to ${file}.`)
  } finally {
    await reads.close()
  }
}
