// What was promised, judged afterwards from what was asked, told and stored. Nothing here uses the
// rules that it checks.
import type { Context } from '#kernel/context.ts'
import type { Recorded } from '#kernel/message.ts'
import type { VerifyReport } from '#runtime/operations.ts'
import { personalData } from '#runtime/personal.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import { verifyReadModels } from '#runtime/verify-read-models.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { checkAppends } from '#testing/append-checker.ts'
import { checkCommands } from '#testing/command-checker.ts'
import type { Problem } from '#testing/history.ts'
import { checkReads } from '#testing/read-checker.ts'
import { checkMoney } from './check-money.ts'
import { checkRows } from './check-rows.ts'
import { checkSagas } from './check-sagas.ts'
import {
  checkForgotten,
  checkOwed,
  checkPrices,
  checkTills,
  checkTransit,
  noteShop,
} from './check-shop.ts'
import { checkStock } from './check-stock.ts'
import { type Grant, type Sent, sometimes, type World, wholeLog } from './world.ts'

export type Finding = { readonly check: string; readonly message: string }

/** The promises, as a finding names them. */
export const CHECKS = {
  C0: 'no promise is left to fail where nobody hears it',
  C1: 'appends are judged rightly, written whole or not at all, and kept',
  C2: 'readers see the log without a gap, in order, and everything that was acknowledged',
  C3: 'rows of read models are the fold of the log',
  C4: 'positions, command records, claims and seals are what the events say',
  C5: 'a command has one effect and one answer',
  C6: 'money and labels: the books of the shop and of the outside agree',
  C7: 'nothing is promised twice, and what is on hand is the sum of what moved',
  C8: 'an order has one saga, which ends, and undoes in reverse what it did',
  C9: 'a lease has one holder',
  C10: 'whoever asks for a position sees what was written up to it',
  C11: 'nothing fails inside that nobody planned',
  C12: 'tills count, drawers and accounts add up, and prices follow each other',
  C13: 'who was forgotten is told of nowhere',
  L0: 'a history comes to its end',
  L1: 'without faults everything comes to its end',
} as const

export async function checkHistory(
  world: World,
  contexts: readonly Context[],
): Promise<readonly Finding[]> {
  const projections = contexts.flatMap((context) => context.projections)
  const { attempts, pages, stores, trouble, misheard } = world
  const events = await wholeLog(stores.log)
  const records = await stores.log.commandRecords('', Number.MAX_SAFE_INTEGER)
  noteUnanswered(world, events)
  noteShop(world, events)
  const isVerified = world.swarm.features.verify
  const problems: (readonly [check: string, messages: readonly string[]])[] = [
    ['C1', spoken(checkAppends(attempts, events))],
    ['C2', [...spoken(checkReads(pages, attempts, events)), ...misheard]],
    ['C5', spoken(checkCommands(attempts, events, records))],
    ['C5', checkAnswers([...world.sent.values()], events)],
    ['C7', checkStock(events)],
    ['C7', checkTransit(events)],
    ['C12', [...checkTills(events), ...checkPrices(events)]],
    ['C13', await checkForgotten(world, contexts, events)],
    ['C8', checkSagas(world, events)],
    ['C6', await checkMoney(world, events)],
    ['C6', checkOwed(events)],
    ['C9', checkGrants(world.grants)],
    ['C10', checkSeen(world, events)],
    ['C3', await checkRows(world, projections, events)],
    ['C3', isVerified ? await checkFolds(world, contexts) : []],
    ['C4', isVerified ? await checkLog(world) : []],
    ['C11', trouble],
  ]
  return problems.flatMap(([check, messages]) => messages.map((message) => ({ check, message })))
}

const spoken = (problems: readonly Problem[]): readonly string[] =>
  problems.map(({ message, attempts }) =>
    [
      message,
      ...attempts.slice(0, 4).map(({ name, append, outcome }) => {
        const streams = append.writes.map(
          ({ stream, expected, events }) => `${stream}@${expected}+${events.length}`,
        )
        return `  ${name}: ${streams.join(' ')} → ${JSON.stringify(outcome)}`
      }),
    ].join('\n'),
  )

function noteUnanswered(world: World, events: readonly Recorded[]) {
  const stored = new Set(events.map(({ event_id }) => event_id))
  for (const { append, outcome } of world.attempts) {
    const first = append.writes.flatMap((write) => write.events)[0]
    if (outcome !== 'unknown' || first === undefined) continue
    sometimes(
      world,
      stored.has(first.event_id)
        ? 'an append without an answer had been written'
        : 'an append without an answer had not been written',
    )
  }
}

/** Of all copies of a command that were sent, what clients were told and what the log has. */
function checkAnswers(sent: readonly Sent[], events: readonly Recorded[]): readonly string[] {
  const problems: string[] = []
  const written = Map.groupBy(events, ({ metadata }) => metadata.command_id ?? '')
  for (const [id, copies] of Map.groupBy(sent, (one) => one.id)) {
    const [{ type } = { type: '' }] = copies
    const done = copies.filter(({ told }) => told.some(({ what }) => what === 'done'))
    const answers = new Set(
      copies.flatMap(({ told }) =>
        told.flatMap((one) => (one.what === 'done' ? [one.answer] : [])),
      ),
    )
    if (done.length > 1) problems.push(`${type} ${id} was done for two different requests`)
    if (answers.size > 1)
      problems.push(`${type} ${id} was answered in two ways: ${[...answers].join(' and ')}`)
    const effects = written.get(id) ?? []
    const first = effects[0]?.position ?? 0
    if (effects.some(({ position }, at) => position !== first + at))
      problems.push(`${type} ${id} was written in more than one place`)
    const isCertain = copies.every(({ told }) => told.every(({ what }) => what === 'refused'))
    if (isCertain && effects.length > 0) problems.push(`${type} ${id} was refused, and is written`)
    for (const { told } of done)
      for (const one of told)
        if (one.what === 'done' && effects.length > 0 && one.position !== effects.at(-1)!.position)
          problems.push(`${type} ${id} was told position ${one.position}, and is elsewhere`)
  }
  return problems
}

function checkGrants(grants: readonly Grant[]): readonly string[] {
  const problems: string[] = []
  const last = new Map<string, Grant>()
  for (const grant of grants) {
    const before = last.get(grant.name)
    last.set(grant.name, grant)
    if (before === undefined) continue
    const isOther = before.holder !== grant.holder
    if (isOther && grant.from < before.until)
      problems.push(`${grant.name} went to ${grant.holder} while ${before.holder} held it`)
    if (isOther ? grant.token <= before.token : grant.token < before.token)
      problems.push(`${grant.name} went to ${grant.holder} under the token ${grant.token}`)
  }
  return problems
}

/** An answer after a write shows at least that write. */
function checkSeen({ seen }: World, events: readonly Recorded[]): readonly string[] {
  return seen.flatMap(({ order_id, minPosition, version }) => {
    const least = events.filter(
      (event) =>
        event.position <= minPosition &&
        event.aggregate_type === 'order' &&
        event.aggregate_id === order_id,
    ).length
    const isThere = version !== null && version >= least
    return isThere ? [] : [`order ${order_id} was shown at ${version}; ${least} was to be seen`]
  })
}

const KEYS_KNOWN = 100
/** What the product itself says when it is asked to verify. */
async function checkFolds(world: World, known: readonly Context[]): Promise<readonly string[]> {
  const { stores, shop } = world
  const types = shop.typesOf(known)
  const scratch = await openReadModels()
  try {
    const { log, reads, keys } = stores
    const { open } = personalData(types, keys, KEYS_KNOWN)
    const projections = known.flatMap((context) => context.projections)
    const checks = await verifyReadModels({ log, reads, scratch, projections, types, open })
    return checks.flatMap(differing)
  } finally {
    await scratch.close()
  }
}

async function checkLog({ stores }: World): Promise<readonly string[]> {
  return (await verifyLog(stores.log)).checks.flatMap(differing)
}

const differing = ({
  name,
  differing,
  differences,
}: VerifyReport['checks'][number]): readonly string[] =>
  differing === 0 ? [] : [`${name}: ${differing} differ, first ${JSON.stringify(differences[0])}`]
