// Brings an Online Retail file into the book, through the same door as everybody's commands. May be
// stopped at any point, also killed: the same command again goes on where the book says it stopped.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome, Send } from '#kernel/waiting.ts'
import { type ImportReport, type Tally, tally } from './import-tally.ts'
import { eachInFlight } from './in-flight.ts'
import type { Progress } from './progress.ts'
import { type RetailCommands, retailCommands, type Told } from './retail-commands.ts'
import type { Invoice } from './retail-invoice.ts'
import {
  type Customer,
  type Product,
  type Survey,
  type SurveyedInvoice,
  surveyed,
  surveyedInvoices,
} from './retail-survey.ts'
import type { SagaEnd } from './saga-watch.ts'

export type ImportParts = {
  readonly send: Send
  /** Whether a command with this id was carried out; makes passing over what is done fast. */
  readonly isDone: (commandId: string) => Promise<boolean>
  /** Resolves once the saga of this order has ended. */
  readonly sagaEnded: (orderId: string) => Promise<SagaEnd>
  /** A product of the shop that has this code already. */
  readonly productWith: (code: string) => Promise<string | null>
  /** The last position of the log. */
  readonly head: () => Promise<number>
  /** Resolves once everything up to this position shows in the answers to queries. */
  readonly settled: (position: number) => Promise<void>
  /** How orders are paid, where the shop has no default for it. */
  readonly paymentMethod?: string
}
export type ImportOptions = {
  readonly file: string
  /** Only the first so many invoices; the opening stock is that of the whole file all the same. */
  readonly limit?: number
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
  const result = tally(options.file, false)
  const survey = await read(options)
  const run: Run = {
    ...parts,
    commands: retailCommands(survey.opened_at, parts.paymentMethod),
    result,
  }
  const before = await parts.head()
  // Whether the shop has a product already is asked of rows that know all there was.
  await parts.settled(before)
  await eachProduct(survey, options, async (product) => {
    result.product(await bringProduct(product, run))
  })
  await eachCustomer(survey, options, async (customer) => {
    result.customer(await bringCustomer(customer, run))
  })
  const done = await eachInvoice(survey, options, result, (invoice) => bringInvoice(invoice, run))
  const end = await parts.head()
  await parts.settled(end)
  return result.report(end - before, done === survey.selected)
}

/** Reads the file and says what an import would bring; asks nobody, writes nothing. */
export async function tryOnlineRetail(options: ImportOptions): Promise<ImportReport> {
  const result = tally(options.file, true)
  const survey = await read(options)
  await eachProduct(survey, options, async () => result.product('new'))
  await eachCustomer(survey, options, async () => result.customer('new'))
  const done = await eachInvoice(survey, options, result, async () => 'new')
  return result.report(0, done === survey.selected)
}

async function read({ file, limit, onProgress }: ImportOptions): Promise<Survey> {
  onProgress?.({ phase: 'Reading', done: 0, of: 1 })
  const survey = await surveyed(file, limit)
  const note = `${survey.lines} lines, ${survey.invoices} invoices`
  onProgress?.({ phase: 'Reading', done: 1, of: 1, note })
  return survey
}

const eachProduct = (
  { products }: Survey,
  options: ImportOptions,
  bring: (product: Product) => Promise<void>,
) => eachOf('Products', products, options, bring)

const eachCustomer = (
  { customers }: Survey,
  options: ImportOptions,
  bring: (customer: Customer) => Promise<void>,
) => eachOf('Customers', customers, options, bring)

async function eachOf<T>(
  phase: string,
  all: readonly T[],
  { atOnceMax = AT_ONCE_MAX, onProgress, signal }: ImportOptions,
  bring: (one: T) => Promise<void>,
): Promise<void> {
  let done = 0
  const each = async (one: T) => {
    await bring(one)
    done++
    onProgress?.({ phase, done, of: all.length })
  }
  await eachInFlight(all, atOnceMax, each, signal)
}

/** The number of invoices dealt with. */
async function eachInvoice(
  survey: Survey,
  { file, atOnceMax = AT_ONCE_MAX, onProgress, signal }: ImportOptions,
  result: Tally,
  bring: (invoice: Invoice) => Promise<How>,
): Promise<number> {
  let done = 0
  const one = async ({ invoice, errors, lines }: SurveyedInvoice) => {
    if (invoice !== null) result.invoice(invoice, await bring(invoice))
    result.read(lines, errors)
    done++
    const note = `${result.orders()} orders`
    onProgress?.({ phase: 'Invoices', done, of: survey.selected, note })
  }
  await eachInFlight(surveyedInvoices(file, survey), atOnceMax, one, signal)
  return done
}

type Run = ImportParts & {
  readonly commands: RetailCommands
  readonly result: Tally
}
/** `before`: an earlier run had done it; `failed`: refused, and said so in the report. */
export type How = 'new' | 'before' | 'failed'

async function bringProduct(product: Product, run: Run): Promise<How> {
  const { commands } = run
  const what = `product ${product.code}`
  const create = commands.createProduct(product)
  let how: How = 'before'
  if (!(await run.isDone(create.meta.command_id))) {
    const outcome = await sent(create, run.send)
    if (outcome.ok) how = 'new'
    else if (!(await useOther(product, outcome, run))) return refused(create, outcome, what, run)
  }
  const stocked = await bringAll(commands.openStock(product), what, run)
  return stocked === 'before' ? how : stocked
}

/** The shop may sell it already: then the invoices are about that product. */
async function useOther(
  { code }: Product,
  { rejection }: No,
  { productWith, commands }: Run,
): Promise<boolean> {
  if (rejection.code !== 'already_exists') return false
  const productId = await productWith(code)
  if (productId !== null) commands.use(code, productId)
  return productId !== null
}

/** Whoever is there already under this id is the same one. */
async function bringCustomer(customer: Customer, run: Run): Promise<How> {
  const register = run.commands.registerCustomer(customer)
  if (await run.isDone(register.meta.command_id)) return 'before'
  const outcome = await sent(register, run.send)
  if (outcome.ok) return 'new'
  if (outcome.rejection.code === 'already_exists') return 'before'
  return refused(register, outcome, `customer ${customer.customer_id}`, run)
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

/**
 * The way of every order: accepted, carried through by its saga, then shipped. No step is skipped.
 */
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
  if (!outcome.ok) refused(told, outcome, what, run)
  return outcome.ok
}

type No = Extract<Outcome, { ok: false }>

function refused({ type }: Told, { rejection }: No, what: string, { result }: Run): 'failed' {
  const { code, message, errors } = rejection
  const fields = Object.entries(errors ?? {}).map(([field, error]) => `${field} ${error}`)
  result.failed(what, `${type}: ${code}: ${[message, ...fields].join(' ')}`)
  return 'failed'
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
