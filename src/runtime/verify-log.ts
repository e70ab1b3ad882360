// Recomputes from the events what the log keeps beside them: claims, command records, positions,
// seals.
import type { Claim } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { Difference, Progress, VerifyReport } from './operations.ts'
import { checkSeals } from './seals.ts'

type Check = VerifyReport['checks'][number]
const PAGE = 2_000
const NAMED_MAX = 100

/** Up to the head of the moment at which it starts. */
export async function verifyLog(
  log: EventLog,
  onProgress: (progress: Progress) => void = () => {},
): Promise<readonly Check[]> {
  const { position: end } = await log.head()
  const order = tally('positions and versions')
  const records = tally('command records')
  const claims = new Map<string, Claim>()
  const versions = new Map<string, number>()
  let position = 0
  let timestamp = ''
  let run: { id: string; last: number } | null = null

  const closeRun = async () => {
    if (run === null) return
    records.compared++
    const record = await log.commandRecord(run.id)
    if (record?.position !== run.last)
      records.differ(run.id, record, { id: run.id, position: run.last })
    run = null
  }

  while (position < end) {
    const page = await log.readAll(position, PAGE)
    if (page.length === 0) break
    for (const event of page) {
      if (event.position > end) break
      order.compared++
      const stream = `${event.aggregate_type}-${event.aggregate_id}`
      const version = (versions.get(stream) ?? 0) + 1
      if (
        event.position !== position + 1 ||
        event.version !== version ||
        event.timestamp < timestamp
      )
        order.differ(
          String(event.position),
          { position: event.position, version: event.version, timestamp: event.timestamp },
          { position: position + 1, version, timestamp },
        )
      versions.set(stream, event.version)
      position = event.position
      timestamp = event.timestamp
      for (const claim of event.metadata.releases ?? []) claims.delete(keyOf(claim))
      for (const claim of event.metadata.claims ?? []) claims.set(keyOf(claim), claim)
      const id = event.metadata.command_id
      if (run !== null && run.id !== id) await closeRun()
      if (id !== undefined) run = { id, last: event.position }
    }
    onProgress({ what: 'log', done: position, of: end })
  }
  await closeRun()
  if (position < end) order.differ(String(position + 1), null, { position: position + 1 })
  return [
    order.check(),
    records.check(),
    await checkClaims(log, claims, end),
    await sealsOf(log, onProgress),
  ]
}

const keyOf = ({ scope, value }: Claim) => JSON.stringify([scope, value])

async function checkClaims(
  log: EventLog,
  expected: Map<string, Claim>,
  end: number,
): Promise<Check> {
  const found = tally('claims')
  let after: Claim | null = null
  for (;;) {
    const page: readonly Claim[] = await log.claims(after, PAGE)
    for (const claim of page) {
      found.compared++
      const rebuilt = expected.get(keyOf(claim)) ?? null
      if (rebuilt?.owner !== claim.owner) found.differ(keyOf(claim), claim, rebuilt)
      expected.delete(keyOf(claim))
    }
    after = page.at(-1) ?? null
    if (after === null) break
  }
  // Claims may move while we look; only a quiet log's leftovers are differences.
  if ((await log.head()).position === end)
    for (const [key, claim] of expected) found.differ(key, null, claim)
  return found.check()
}

async function sealsOf(log: EventLog, onProgress: (progress: Progress) => void): Promise<Check> {
  const found = tally('seals')
  const { position: of } = await log.head()
  const { sealed_to, broken } = await checkSeals(log, (done) =>
    onProgress({ what: 'seals', done, of }),
  )
  found.compared = sealed_to
  for (const { position, why } of broken) found.differ(String(position), { why }, null)
  return found.check()
}

function tally(name: string) {
  const differences: Difference[] = []
  let differing = 0
  return {
    compared: 0,
    differ(key: string, live: object | null, rebuilt: object | null) {
      differing++
      if (differences.length < NAMED_MAX) differences.push({ key, live, rebuilt })
    },
    check(): Check {
      return { name, compared: this.compared, differing, differences }
    },
  }
}
