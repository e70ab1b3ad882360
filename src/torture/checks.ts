// The promises, each as a question to the evidence. A check that had nothing to look at has not
// been passed.

import { owedTroubles } from '#testing/owed-book.ts'
import { tillTroubles } from '#testing/till-book.ts'
import { transitTroubles } from '#testing/transit-book.ts'
import { finalOf, isDone, isFinal, lineOf, type Told } from './account.ts'
import { streetOf } from './acting.ts'
import type { Order, Payment } from './book.ts'
import type { Body } from './clients.ts'
import type { Evidence } from './evidence.ts'

export type Check = {
  /** The promise's number, and what is promised. */
  readonly promise: string
  readonly compared: number
  readonly problems: readonly string[]
}
type Checking = (evidence: Evidence) => { compared: number; problems: readonly string[] }

export function judge(evidence: Evidence): readonly Check[] {
  return Object.entries(CHECKS).map(([promise, check]) => {
    const { compared, problems } = check(evidence)
    const nothing = compared === 0 ? ['nothing was looked at'] : []
    return { promise, compared, problems: [...nothing, ...problems] }
  })
}

const breaches = ({ book }: Evidence, ...rules: readonly string[]) =>
  book.breaches
    .filter(({ rule }) => rules.includes(rule))
    .map(({ position, text }) => `at position ${position}: ${text}`)

const acknowledged = ({ account }: Evidence) =>
  [...account.asked.values()].flatMap((asked) => {
    const told = asked.told.find(isDone)
    return told === undefined ? [] : [{ asked, told }]
  })

/** P1, P2: what was acknowledged is there, whole, where it was said to be. */
const nothingLost: Checking = (evidence) => {
  const { book, records } = evidence
  const all = acknowledged(evidence)
  const problems = all.flatMap(({ asked, told }) => {
    const record = records.get(asked.key)
    if (record == null) return [`acknowledged, and the log knows nothing of it: ${lineOf(asked)}`]
    const run = book.runs.get(asked.key)
    if (run !== undefined && !run.isWhole)
      return [`its events are not together (${run.first} to ${run.last}): ${lineOf(asked)}`]
    if (record.position !== told.position || (run !== undefined && run.last !== told.position))
      return [`recorded at ${record.position}, events to ${run?.last}: ${lineOf(asked)}`]
    return []
  })
  return { compared: all.length, problems }
}

/** P2: no order without its saga and its reservation, no reservation without its stock. */
const nothingHalf: Checking = ({ book }) => {
  const orders = [...book.orders.keys()].flatMap((id) => [
    ...(book.sagas.has(id) ? [] : [`order ${id} has no saga`]),
    ...(book.reservations.has(id) ? [] : [`order ${id} has no reservation`]),
  ])
  const reservations = [...book.reservations].flatMap(([id, { wanted, taken }]) =>
    wanted === taken ? [] : [`reservation ${id} of ${wanted} took ${taken} from stock`],
  )
  const compared = book.orders.size + book.reservations.size
  return { compared, problems: [...orders, ...reservations] }
}

/** P3: versions without a gap, and nothing promised twice. */
const neverOversold: Checking = (evidence) => {
  const { book } = evidence
  const heldOf = new Map<string, number>()
  for (const { held } of book.reservations.values())
    for (const [key, quantity] of held) heldOf.set(key, (heldOf.get(key) ?? 0) + quantity)
  const problems = [...book.stock].flatMap(([key, { reserved }]) =>
    reserved === (heldOf.get(key) ?? 0)
      ? []
      : [`${key}: ${reserved} are reserved, and reservations hold ${heldOf.get(key) ?? 0}`],
  )
  return { compared: book.stockMoves, problems: [...breaches(evidence, 'stock'), ...problems] }
}

/** P3, P4: one order for everybody, for ever. */
const oneOrder: Checking = (evidence) => {
  const { readers, digests } = evidence
  const problems = readers.flatMap(({ name, seen, wrong }) => {
    const other = seen.findIndex((digest, at) => digest !== digests[at])
    return [
      ...wrong.map((text) => `${name} ${text}`),
      ...(other === -1 ? [] : [`${name} saw another event at position ${other + 1}`]),
      ...(seen.length === digests.length
        ? []
        : [`${name} saw ${seen.length} of ${digests.length} events`]),
    ]
  })
  const compared = readers.reduce((sum, { seen }) => sum + seen.length, 0)
  return { compared, problems: [...breaches(evidence, 'order'), ...problems] }
}

/** P10: whatever the clocks of its processes say. */
const timeGoesOn: Checking = (evidence) => ({
  compared: evidence.book.position,
  problems: breaches(evidence, 'time'),
})

/** P7: no event waits because a handler could not take it. */
const nothingIsParked: Checking = ({ book, shown: { parked } }) => ({
  compared: book.position,
  problems: parked.map(
    ({ projection, position, error }) => `${projection} could not take event ${position}: ${error}`,
  ),
})

/** P6: one key, one effect, one answer. */
const onlyOnce: Checking = (evidence) => {
  const { account, book, records } = evidence
  const again = [...account.asked.values()].filter(({ told }) => told.length > 1)
  const problems = [...account.asked.values()].flatMap((asked) => {
    const finals = asked.told.filter(isFinal)
    const done = finals.filter(isDone)
    if (new Set(done.map(({ digest, status }) => `${status} ${digest}`)).size > 1)
      return [`two different answers: ${lineOf(asked)}`]
    const run = book.runs.get(asked.key)
    if (run !== undefined && !run.isWhole) return [`two effects: ${lineOf(asked)}`]
    const isOpen = finals.length < asked.told.length
    if (run !== undefined && done.length === 0 && !isOpen)
      return [`refused, and carried out all the same: ${lineOf(asked)}`]
    return []
  })
  const strays = [...records].flatMap(([id, record]) =>
    record === null || account.asked.has(id) ? [] : [`nobody asked for ${id}`],
  )
  return {
    compared: again.length,
    problems: [...breaches(evidence, 'once'), ...problems, ...strays],
  }
}

/** P5: rows are the fold of the log; by our fold, and by the program's own. */
const readModelsAreRight: Checking = ({ book, shown, verified }) => {
  const problems = shown.troubles.map((text) => `not shown: ${text}`)
  const same = (what: string, live: unknown, folded: unknown) => {
    if (JSON.stringify(live) !== JSON.stringify(folded))
      problems.push(`${what}: shown ${JSON.stringify(live)}, folded ${JSON.stringify(folded)}`)
  }
  for (const { order_id, status, total_amount } of shown.orders) {
    const order = book.orders.get(String(order_id))
    same(`order ${order_id}`, [status, minor(total_amount)], [order?.status, order?.total])
  }
  for (const { payment_id, ...row } of shown.payments) {
    const { authorized, captured, refunded } = book.payments.get(String(payment_id)) ?? {}
    const live = [row.authorized, row.captured, row.refunded].map(minor)
    same(`payment ${payment_id}`, live, [authorized, captured, refunded])
  }
  for (const { product_id, store_id, quantity, reserved_quantity } of shown.stock) {
    const row = book.stock.get(`${product_id}:${store_id}`)
    const live = [quantity, reserved_quantity]
    same(`stock ${product_id}:${store_id}`, live, [row?.quantity, row?.reserved])
  }
  same('number of orders', shown.orders.length, book.orders.size)
  same('number of payments', shown.payments.length, book.payments.size)
  same('number of stock items', shown.stock.length, book.stock.size)
  if (verified.code !== 0) problems.push(`verify: ${verified.said.slice(0, 2_000)}`)
  const { orders, payments, stock } = shown
  return { compared: orders.length + payments.length + stock.length, problems }
}
const minor = (amount: unknown) => Math.round(Number(amount) * 100)

/** P8: every saga has ended, and its order is in a state that fits. */
const sagasEnd: Checking = (evidence) => {
  const { book, shown, unrest } = evidence
  const problems = [...book.sagas].flatMap(([id, { isOpen, outcome, attention }]) => {
    const order = book.orders.get(id)
    if (order === undefined) return [`saga ${id} has no order`]
    if (isOpen)
      return attention ? [] : [`saga ${id} has not ended, and does not say that it needs help`]
    return fits(order.status, outcome)
      ? []
      : [`saga ${id} ended ${outcome}, its order ${order.status}`]
  })
  const rows = shown.sagas.filter(({ status }) => status === 'RUNNING' || status === 'COMPENSATING')
  return {
    compared: book.sagas.size,
    problems: [
      ...(unrest === null ? [] : [unrest]),
      ...breaches(evidence, 'sagas'),
      ...problems,
      ...rows.map(({ saga_id, status }: Body) => `saga ${saga_id} is shown as ${status}`),
    ],
  }
}
const fits = (status: Order['status'], outcome: string | null) =>
  outcome === 'completed'
    ? ['CONFIRMED', 'PARTIALLY_SHIPPED', 'SHIPPED', 'DELIVERED'].includes(status)
    : status === 'CANCELLED'

/** P8: money in our books is money in the provider's, and each order has what it is due. */
const moneyIsStraight: Checking = (evidence) => {
  const { book, ledger } = evidence
  const problems = [...breaches(evidence, 'money')]
  const charged = new Map<
    string,
    { authorize: number; capture: number; void: number; refund: number }
  >()
  const seen = new Set<string>()
  for (const { operation_id, authorization, kind, amount_minor, answer } of ledger) {
    if (seen.has(operation_id)) problems.push(`the provider carried ${operation_id} out twice`)
    seen.add(operation_id)
    if (answer.status !== 'succeeded') continue
    const payment_id = authorization.split(':')[0]!
    const sums = charged.get(payment_id) ?? { authorize: 0, capture: 0, void: 0, refund: 0 }
    sums[kind] += amount_minor
    charged.set(payment_id, sums)
  }
  for (const [id, { authorized, captured, refunded, pending, isExternal }] of book.payments) {
    if (isExternal) continue
    const { authorize = 0, capture = 0, refund = 0 } = charged.get(id) ?? {}
    const [ours, theirs] = [
      [authorized, captured, refunded],
      [authorize, capture, refund],
    ]
    if (ours.join() !== theirs.join())
      problems.push(
        `payment ${id}: our books say ${ours.join(', ')}, the provider’s ${theirs.join(', ')}`,
      )
    if (pending.size > 0) problems.push(`payment ${id} still waits for ${[...pending].join()}`)
  }
  for (const id of charged.keys())
    if (!book.payments.has(id)) problems.push(`the provider moved money for ${id}, unknown to us`)
  const paidFor = Map.groupBy(book.payments.values(), ({ order_id }) => order_id)
  const labelsOf = Map.groupBy(evidence.labels.values(), (order_id) => order_id)
  for (const [id, order] of book.orders) {
    const held = book.reservations.get(id)?.held.size ?? 0
    const valid = labelsOf.get(id)?.length ?? 0
    // All of it left in other parcels: its own was given up.
    const wanted = book.unneeded.has(id) ? 0 : 1
    problems.push(...dueOf(id, order, { paid: paidFor.get(id) ?? [], held, valid, wanted }))
  }
  problems.push(...owedTroubles(book.owed), ...transitTroubles(book.transit))
  return { compared: ledger.length, problems }
}

type Due = {
  readonly paid: readonly Payment[]
  /** Lines of stock that are held for it. */
  readonly held: number
  /** Labels that are valid, and how many are to be. */
  readonly valid: number
  readonly wanted: number
}

function dueOf(
  id: string,
  { status, total, returned, left }: Order,
  { paid, held, valid, wanted }: Due,
): readonly string[] {
  // What was taken elsewhere is given back there: the naive books of orders say how much.
  const ours = paid.filter(({ isExternal }) => !isExternal)
  const captured = ours.reduce((sum, one) => sum + one.captured, 0)
  const kept = ours.reduce((sum, { refunded }) => sum - refunded, captured)
  const taken = ours.reduce((sum, { owedBack }) => sum - owedBack, captured)
  const isOpen = ours.some((one) => one.authorized > 0 && one.captured === 0 && !one.isVoided)
  if (status === 'CANCELLED')
    return [
      ...(kept === 0 ? [] : [`order ${id} is cancelled, and ${kept} of its money was kept`]),
      ...(isOpen ? [`order ${id} is cancelled, and its money is still set aside`] : []),
      ...(held === 0 ? [] : [`order ${id} is cancelled, and still holds stock`]),
      ...(valid === 0 ? [] : [`order ${id} is cancelled, and has a valid label`]),
    ]
  if (status === 'PENDING') return []
  const owed = total - returned
  const isElsewhere = paid.length > 0 && ours.length === 0
  // What somebody gave back by hand cannot be given back again.
  const isRight = isElsewhere || taken === owed || (taken > owed && kept === 0)
  return [
    ...(isRight ? [] : [`order ${id} of ${owed}: ${taken} was captured`]),
    ...(valid === wanted ? [] : [`order ${id} is ${status} with ${valid} labels`]),
    ...(left > 0 && held === 0 ? [`order ${id} holds no stock`] : []),
    ...(left === 0 && held > 0 ? [`order ${id} left, and holds stock`] : []),
  ]
}

/** P9, P12: no question breaks the server, no outage makes it say something wrong. */
const answersAreFair: Checking = ({ account, surprises }) => {
  const all = [...account.asked.values(), ...account.hostile]
  const isBroken = ({ status }: Told) => status >= 500 && status !== 503 && status !== 504
  const isBare = ({ status, isProblem }: Told) => status >= 400 && !isProblem
  const broken = all.flatMap((asked) => {
    const told = asked.told.find(isBroken)
    if (told !== undefined) return [`${told.status}: ${lineOf(asked)}`]
    return asked.told.some(isBare) ? [`no problem document: ${lineOf(asked)}`] : []
  })
  const taken = account.hostile
    .filter(({ told }) => told.some(isDone))
    .map((asked) => `taken, and ought to be refused: ${lineOf(asked)}`)
  const silent = [...account.asked.values()]
    .filter((asked) => finalOf(asked) === null)
    .map((asked) => `never answered: ${lineOf(asked)}`)
  const compared = all.reduce((sum, { told }) => sum + told.length, 0)
  return { compared, problems: [...broken, ...taken, ...silent, ...surprises] }
}

/** P11: who dawdles is parted with. */
const dawdlersLeave: Checking = ({ account: { dawdled } }) => ({
  compared: dawdled.length,
  problems: dawdled
    .filter(({ closed }) => closed === null)
    .map(() => 'a client that dawdled was never parted with'),
})

/** P5: who was told a position sees it. */
const sessionsSee: Checking = ({ account: { looked } }) => ({
  compared: looked.filter(({ status }) => status === 200).length,
  problems: looked
    .filter(({ status }) => status !== 200 && status !== 503 && status !== 504 && status !== 0)
    .map(
      ({ path, since, status, code, at }) => `${at} ms: ${path} since ${since}: ${status} ${code}`,
    ),
})

/** P13: a changed event is named. */
const damageIsNoticed: Checking = ({ damaged: { position, verified } }) => ({
  compared: 1,
  problems: [
    ...(verified.code === 0 ? [`event ${position} was changed, and verify found nothing`] : []),
    ...(new RegExp(`\\b${position}\\b`).test(verified.said)
      ? []
      : [`event ${position} was changed; verify says: ${verified.said.slice(0, 500)}`]),
  ],
})

/** P14: a field under the name that it had before is understood. */
const oldIsHonoured: Checking = ({ account }) => {
  const asked = [...account.asked.values()].filter(({ what }) => what === 'old order')
  return {
    compared: asked.length,
    problems: asked
      .filter((one) => finalOf(one)?.status !== 201)
      .map((one) => `an old client was refused: ${lineOf(one)}`),
  }
}

/** P16: receipts without a gap, nothing given back that was not sold, nobody beyond his limit. */
const tillsAreRight: Checking = (evidence) => ({
  compared: evidence.book.till.seen,
  problems: [...breaches(evidence, 'till'), ...tillTroubles(evidence.book.till)],
})

/** P17: whoever was forgotten is told of nowhere; nobody else was. */
const forgottenAreGone: Checking = (evidence) => {
  const { book, shown, account } = evidence
  const rows = new Map(shown.orders.map((row) => [String(row.order_id), JSON.stringify(row)]))
  const tells = (id: string) => rows.get(id)?.includes(streetOf(id)) === true
  const addressed = [...account.asked.values()].flatMap(({ path, body, told }) => {
    if (path !== '/api/v1/orders' || !told.some(isDone)) return []
    const { order_id, shipping_address } = JSON.parse(body ?? '{}')
    return shipping_address === undefined ? [] : [order_id as string]
  })
  const others = addressed.filter((id) => !book.erased.has(book.orders.get(id)?.customer_id ?? ''))
  const problems = [
    ...[...book.forgotten].filter(tells).map((id) => `order ${id} is shown with its address`),
    ...others.filter((id) => !tells(id)).map((id) => `order ${id} lost its address`),
  ]
  const compared = book.forgotten.size
  return { compared, problems: [...breaches(evidence, 'personal'), ...problems] }
}

const CHECKS: Readonly<Record<string, Checking>> = {
  'P1 nothing acknowledged is lost': nothingLost,
  'P2 nothing is done by half': nothingHalf,
  'P3 nothing is promised twice': neverOversold,
  'P4 one order of events for everybody': oneOrder,
  'P5 read models are the fold of the log': readModelsAreRight,
  'P5 who was told a position sees it': sessionsSee,
  'P6 a command has one effect and one answer': onlyOnce,
  'P7 every event is taken': nothingIsParked,
  'P8 every saga ends': sagasEnd,
  'P8 money, stock and labels are straight': moneyIsStraight,
  'P9, P12 every answer is fair': answersAreFair,
  'P10 time never goes back': timeGoesOn,
  'P11 who dawdles is parted with': dawdlersLeave,
  'P13 damage is noticed': damageIsNoticed,
  'P14 old clients are understood': oldIsHonoured,
  'P16 tills count, and accounts add up': tillsAreRight,
  'P17 who was forgotten is told of nowhere': forgottenAreGone,
}
