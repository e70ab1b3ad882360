// Recomputes from the events what the log keeps beside them (claims, command records, snapshots,
// counters), and whether they are what was sealed: one walk from the first event to the last.
import type { Recorded } from '#kernel/message.ts'
import { streamOf } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { sealCheck } from './check-seals.ts'
import type { Progress } from './operations.ts'
import { hashOf, type KeptSeal, sealChain } from './seals.ts'
import { type Check, type Tally, tally } from './tally.ts'
import { claimCheck } from './verify-claims.ts'
import { recordCheck } from './verify-records.ts'
import { type Folding, verifySnapshots } from './verify-snapshots.ts'

export type LogOptions = {
  readonly onProgress?: (progress: Progress) => void
  /** As earlier walks gave them, kept where nobody who changes the log can change them. */
  readonly kept?: readonly KeptSeal[]
  /** How streams are folded; without it snapshots are not looked at. */
  readonly folding?: Folding
}
export type LogReport = {
  readonly checks: readonly Check[]
  /** Over everything that was read. */
  readonly seal: KeptSeal
  /** Events behind it are under no seal yet. */
  readonly sealed_to: number
}
const PAGE = 2_000

/** Up to the head of the moment at which it starts. */
export async function verifyLog(log: EventLog, options: LogOptions = {}): Promise<LogReport> {
  const { onProgress = () => {}, kept = [], folding } = options
  const { position: end } = await log.head()
  const order = orderCheck()
  const sealed = tally('seals')
  const seals = sealCheck(log, end, (position, why) =>
    sealed.differ(String(position), { why }, null),
  )
  const chain = sealChain()
  const elsewhere = keptCheck(kept)
  const records = recordCheck(log)
  const claims = claimCheck(log)

  await order.begin(log)
  let position = 0
  while (position < end) {
    const page = await readable(log, position, end)
    if (page.length === 0) break
    for (const event of page) {
      if (event.position > end) break
      if (event.position > position + 1) await seals.lack(event.position - position - 1)
      position = event.position
      order.take(event)
      if ('unreadable' in event) {
        await seals.lack(1)
        // Without it the hash is not what it was.
        elsewhere.take(chain.seal, position)
        continue
      }
      const hashed = hashOf(event)
      chain.add(event, hashed)
      elsewhere.take(chain.seal, position)
      await seals.take(event, hashed)
      records.take(event)
      claims.take(event)
    }
    await records.settle()
    onProgress({ what: 'log', done: position, of: end })
  }
  if (position < end) order.cut(position, end)
  sealed.compared = seals.sealedTo()
  const checks = [
    order.check(),
    await records.check(),
    await claims.check(end),
    sealed.check(),
    await ownCheck(log),
    ...(folding === undefined ? [] : [await verifySnapshots(log, folding, onProgress)]),
    ...(kept.length === 0 ? [] : [elsewhere.check(position)]),
  ]
  return { checks, seal: chain.seal(), sealed_to: seals.sealedTo() }
}

// ── reading ───────────────────────────────────────────────────────────────────────────────────

type Unreadable = { readonly position: number; readonly unreadable: true }

/** The next page; where it cannot be read, its events one by one, so that the one is named. */
async function readable(
  log: EventLog,
  after: number,
  end: number,
): Promise<readonly (Recorded | Unreadable)[]> {
  try {
    return await log.readAll(after, PAGE)
  } catch (error) {
    await passOn(log, error)
  }
  const found: (Recorded | Unreadable)[] = []
  for (let at = after; at < end && found.length < PAGE; ) {
    try {
      const [event] = await log.readAll(at, 1)
      if (event === undefined) break
      found.push(event)
      at = event.position
    } catch (error) {
      await passOn(log, error)
      found.push({ position: ++at, unreadable: true })
    }
  }
  return found
}

/** A store that is away, or closed, says nothing of its events. */
async function passOn(log: EventLog, error: unknown): Promise<void> {
  if (error instanceof Unavailable) throw error
  if (error instanceof Error && error.name === 'Interrupted') throw error
  await log.head()
}

// ── order ─────────────────────────────────────────────────────────────────────────────────────

/** Positions without gaps, versions that rise by one, times that do not fall. */
function orderCheck() {
  const found = tally('positions and versions')
  // A stream takes some 130 bytes here.
  const versions = new Map<string, number>()
  let position = 0
  let timestamp = ''
  return {
    /** Readers begin behind 0; a stream's readers would see what was put before it. */
    async begin(log: EventLog): Promise<void> {
      const [first] = await log.readAll(Number.MIN_SAFE_INTEGER, 1).catch(() => [])
      if (first !== undefined && first.position < 1)
        found.differ(String(first.position), { why: 'stands before the first position' }, null)
    },
    take(event: Recorded | Unreadable): void {
      found.compared++
      const due = position + 1
      position = event.position
      if (event.position !== due)
        found.differ(String(due), null, { position: due, to: event.position - 1 })
      if ('unreadable' in event) {
        found.differ(String(position), { why: 'cannot be read' }, { position })
        return
      }
      const stream = streamOf(event.aggregate_type, event.aggregate_id)
      const version = (versions.get(stream) ?? 0) + 1
      versions.set(stream, event.version)
      if (event.version !== version || event.timestamp < timestamp)
        found.differ(
          String(position),
          { version: event.version, timestamp: event.timestamp },
          { version, timestamp },
        )
      timestamp = event.timestamp
    },
    cut(last: number, end: number): void {
      found.differ(String(last + 1), null, { position: last + 1, to: end })
    },
    check: () => found.check(),
  }
}

// ── seals kept elsewhere ──────────────────────────────────────────────────────────────────────

function keptCheck(kept: readonly KeptSeal[]) {
  const found = tally('kept seals')
  const due = kept.toSorted((a, b) => a.position - b.position)
  /** Up to here it is as it was. */
  let sound = 0
  return {
    take(seal: () => KeptSeal, position: number): void {
      while (due[0] !== undefined && due[0].position <= position) {
        const one = due.shift()!
        found.compared++
        const now = seal()
        if (now.position === one.position && now.hash === one.hash) sound = position
        else differ(found, sound, one, 'was changed')
      }
    },
    check(last: number): Check {
      for (const one of due) {
        found.compared++
        differ(found, Math.max(sound, last), one, 'is missing')
      }
      return found.check()
    },
  }
}

const differ = (found: Tally, sound: number, { position, hash }: KeptSeal, what: string) =>
  found.differ(
    String(sound + 1),
    { why: `something from here to ${position} ${what} after the seal ${position} was kept` },
    { position, hash },
  )

async function ownCheck(log: EventLog): Promise<Check> {
  const found = tally('counters')
  found.compared = 1
  for (const { what, stored, counted } of await log.inspect()) found.differ(what, stored, counted)
  return found.check()
}
