// `daybook import online-retail`: composes the shop without its doors, brings the file in, reports.
import { type App, compose } from '#app/compose.ts'
import type { Config } from '#app/settings.ts'
import { type ImportOptions, importOnlineRetail, tryOnlineRetail } from './import-job.ts'
import type { ImportReport } from './import-tally.ts'
import { progressBar } from './progress.ts'
import { reportText } from './report-text.ts'
import { sagaWatch } from './saga-watch.ts'

/** As a shell says it of a process that ^C has ended. */
const STOPPED_EXIT_CODE = 130

export type RetailFlags = {
  readonly limit?: number
  readonly dryRun: boolean
  /** Progress in plain lines where there is no terminal. */
  readonly inLines: boolean
}

export async function importRetail(
  config: Config,
  file: string,
  { limit, dryRun, inLines }: RetailFlags,
): Promise<void> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const bar = progressBar(process.stderr, { inLines })
  const stop = new AbortController()
  // Only once: a second one ends the process as it would any other, which does no harm either.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      tell('\nStopping: what is under way is finished first.')
      stop.abort()
    })
  const options: ImportOptions = {
    file,
    onProgress: (progress) => bar.show(progress),
    signal: stop.signal,
    ...(limit === undefined ? {} : { limit }),
  }
  const report = dryRun
    ? await tryOnlineRetail(options)
    : // Whatever the settings say of serving processes: an import needs all there is.
      await importInto(await compose({ ...config, 'process.roles': ['all'] }, { tell }), options)
  bar.end()
  process.stdout.write(reportText(report))
  // Of the whole process, its threads included.
  if (!dryRun) process.stdout.write(`${peakMegabytes()} MB of memory at most\n`)
  if (report.failed > 0) process.exitCode = 1
  if (!report.finished) process.exitCode = STOPPED_EXIT_CODE
}

const peakMegabytes = () => Math.round(process.resourceUsage().maxRSS / 1024)

/** Closes the app when it is through. */
async function importInto(app: App, options: ImportOptions): Promise<ImportReport> {
  try {
    return await importInApp(app, options)
  } finally {
    await app.close()
  }
}

export async function importInApp(app: App, options: ImportOptions): Promise<ImportReport> {
  const { send, ask, log, config } = app
  const watch = sagaWatch(app.reads)
  const head = async () => (await log.head()).position
  try {
    return await importOnlineRetail(
      {
        send,
        sagaEnded: watch.ended,
        head,
        isDone: async (commandId) => (await log.commandRecord(commandId)) !== null,
        productWith: async (code) => {
          const input = { code, include_inactive: true, limit: 1 }
          const answer = await ask('ListProducts', input)
          if (!answer.ok) return null
          const { items } = answer.result as { items: readonly { product_id: string }[] }
          return items[0]?.product_id ?? null
        },
        settled: (position) => app.projected(position),
        ...(config['payments.default_method'] === ''
          ? { paymentMethod: config['payments.methods'][0]! }
          : {}),
      },
      options,
    )
  } finally {
    watch.close()
  }
}
