// Brings an Online Retail file into the book, through the same door as everybody's commands. May be
// stopped at any point, also killed: the same command again goes on where the book says it stopped.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome, Send } from '#kernel/waiting.ts'
import { type ImportReport, type Tally, tally } from './import-tally.ts'
import { eachInFlight } from './in-flight.ts'
import type { Progress } from './progress.ts'
import { type RetailCommands, retailCommands, type Told } from './retail-commands.ts'
import type { Invoice } from './retail-invoice.ts'
import { type Product, surveyed, surveyedInvoices } from './retail-survey.ts'
import type { SagaEnd } from './saga-watch.ts'

export type ImportParts = {
  readonly send: Send
  /** Whether a command with this id was carried out; makes passing over what is done fast. */
  readonly isDone: (commandId: string) => Promise<boolean>
  /** Resolves once the saga of this order has ended. */
  readonly sagaEnded: (orderId: string) => Promise<SagaEnd>
  /** The last position of the log. */
  readonly head: () => Promise<number>
}
export type ImportOptions = {
  readonly file: string
  /** Only the first so many invoices; the opening stock is that of the whole file all the same. */
  readonly limit?: number
  /** Reads and reports, changes nothing. */
  readonly dryRun?: boolean
  /** Invoices under way side by side. */
  readonly atOnceMax?: number
  readonly onProgress?: (progress: Progress) => void
  /** Aborted: what is under way is finished, nothing new begun. */
  readonly signal?: AbortSignal
}

const AT_ONCE_MAX = 64

export async function importOnlineRetail(
  parts: ImportParts,
  options: ImportOptions,
): Promise<ImportReport> {
  const { file, limit, dryRun = false, onProgress = () => {}, signal } = options
  const result = tally(file, dryRun)
  onProgress({ phase: 'reading', done: 0, of: 1 })
  const survey = await surveyed(file, limit)
  onProgress({ phase: 'reading', done: 1, of: 1, note: `${survey.lines} lines` })
  const run: Run = {
    ...parts,
    commands: retailCommands(survey.opened_at),
    result,
    before: dryRun ? 0 : await parts.head(),
    ...(signal === undefined ? {} : { signal }),
  }
  const atOnceMax = options.atOnceMax ?? AT_ONCE_MAX

  let done = 0
  await eachInFlight(
    survey.products,
    atOnceMax,
    async (product) => {
      if (dryRun) result.product('new')
      else result.product(await bringProduct(product, run))
      onProgress({ phase: 'products', done: ++done, of: survey.products.length })
    },
    signal,
  )

  done = 0
  await eachInFlight(
    surveyedInvoices(file, survey),
    atOnceMax,
    async ({ invoice, errors, lines }) => {
      result.read(lines, errors)
      if (invoice !== null)
        result.invoice(invoice, dryRun ? 'new' : await bringInvoice(invoice, run))
      const note = `${result.orders()} orders`
      onProgress({ phase: 'invoices', done: ++done, of: survey.selected, note })
    },
    signal,
  )
  const events = dryRun ? 0 : (await parts.head()) - run.before
  return result.report(events, done === survey.selected)
}

type Run = ImportParts & {
  readonly commands: RetailCommands
  readonly result: Tally
  readonly before: number
  readonly signal?: AbortSignal
}
/** `before`: an earlier run had done it; `failed`: refused, and said so in the report. */
export type How = 'new' | 'before' | 'failed'

async function bringProduct(product: Product, run: Run): Promise<How> {
  const { commands } = run
  const all = [commands.createProduct(product), ...commands.openStock(product)]
  return bringAll(all, `product ${product.code}`, run)
}

async function bringInvoice(invoice: Invoice, run: Run): Promise<How> {
  const { commands } = run
  if (invoice.kind === 'sale') return bringSale(invoice, run)
  const all =
    invoice.kind === 'credit' ? [commands.recordReturn(invoice)] : commands.adjustStock(invoice)
  return bringAll(all, `invoice ${invoice.number}`, run)
}

async function bringAll(all: readonly Told[], what: string, run: Run): Promise<How> {
  let how: How = 'before'
  for (const told of all) {
    if (await run.isDone(told.meta.command_id)) continue
    if (!(await accepted(told, what, run))) return 'failed'
    how = 'new'
  }
  return how
}

/** The way of every order: accepted, carried through by its saga, then shipped. No step is skipped. */
async function bringSale(invoice: Invoice, run: Run): Promise<How> {
  const ship = run.commands.shipOrder(invoice)
  if (await run.isDone(ship.meta.command_id)) return 'before'
  const what = `invoice ${invoice.number}`
  const create = run.commands.createOrder(invoice)
  if (!(await accepted(create, what, run))) return 'failed'
  const { order_id } = create.input as { order_id: string }
  const end = await run.sagaEnded(order_id)
  if (!end.completed) {
    run.result.failed(what, end.reason)
    return 'failed'
  }
  return (await accepted(ship, what, run)) ? 'new' : 'failed'
}

async function accepted(told: Told, what: string, run: Run): Promise<boolean> {
  const outcome = await sent(told, run.send)
  if (outcome.ok) return true
  const { code, message, errors } = outcome.rejection
  const fields = Object.entries(errors ?? {}).map(([field, error]) => `${field} ${error}`)
  run.result.failed(what, `${told.type}: ${code}: ${[message, ...fields].join(' ')}`)
  return false
}

const TRIES_MAX = 5
const PAUSE_FIRST_MS = 100

/** When nobody knows whether it happened, the same command is sent again: it has one effect. */
async function sent({ type, input, meta }: Told, send: Send): Promise<Outcome> {
  for (let failures = 1; ; failures++)
    try {
      return await send(type, input, meta)
    } catch (error) {
      const unknown = error instanceof Error && error.name === 'OutcomeUnknown'
      if (!unknown || failures === TRIES_MAX) throw error
      await sleep(PAUSE_FIRST_MS * 2 ** failures)
    }
}
