// Shares work out among processes, by leases: each process keeps one for itself and takes its part
// of the work. Leases save work and nothing more: whoever goes on with one that it has lost is
// stopped by checkpoints and versions, not by this.
import type { Leases } from '#storage/leases.ts'

export type SharerParts = {
  readonly leases: Leases
  /** Those who share: `projection`. Names of leases begin with it. */
  readonly group: string
  /** This process; another one after a restart. */
  readonly member: string
  /** All the work there is. */
  readonly work: readonly string[]
  /**
   * From now on only these are done here. Resolves when nothing of the others is under way any
   * more: only then are they given to somebody else.
   */
  readonly runs: (names: readonly string[]) => Promise<void>
  readonly onError: (error: unknown) => void
  readonly leaseMs?: number
  /** A clock that never goes back, in milliseconds. */
  readonly now?: () => number
}
export type Sharer = {
  /** Resolves when this process has looked for the first time. */
  start(): Promise<void>
  /** Gives everything to the others, at once: they take it at their next look. */
  stop(): Promise<void>
  /** What is done here now. */
  mine(): readonly string[]
  /** False for one that was paused for so long that others have taken over. */
  isMember(): boolean
  /** One look at who is there and who does what. For tests; `start` looks by itself. */
  look(): Promise<void>
  /** Drops what has run out. For tests; `start` does it by itself. */
  expire(): void
}

export const LEASE_MS = 5_000
/** Leases are prolonged long before their end, so that one slow answer loses none. */
const RENEWED_AFTER = 1 / 3
/** Free work waits for no longer than this. */
const LOOKS_PER_LEASE = 10

/** What one process should do, from what the leases say. */
export function fairShare(view: {
  readonly me: string
  readonly members: readonly string[]
  readonly work: readonly string[]
  /** Who holds what, for all that is held. */
  readonly holders: ReadonlyMap<string, string>
}): { readonly keep: readonly string[]; readonly take: readonly string[] } {
  const { me, work, holders } = view
  const members = [...new Set([...view.members, me])].sort()
  const rest = work.length % members.length
  // The first so many get one more: all quotas together are all the work.
  const quota = Math.floor(work.length / members.length) + (members.indexOf(me) < rest ? 1 : 0)
  const mine = work.filter((name) => holders.get(name) === me)
  const free = work.filter((name) => !holders.has(name))
  const keep = mine.slice(0, quota)
  return { keep, take: free.slice(0, quota - keep.length) }
}

type Held = { readonly token: number; readonly until: number; readonly renewAt: number }

export function sharer(parts: SharerParts): Sharer {
  const { runs, onError, leaseMs = LEASE_MS } = parts
  const desk = deskOf(parts)
  const { mine, look, expire } = workplace(parts, desk)
  let looking: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined

  /** One at a time: two would not know of each other what they take. */
  const lookOnce = () => {
    looking ??= look()
      .catch(onError)
      .finally(() => {
        looking = null
      })
    return looking
  }
  return {
    mine,
    look: lookOnce,
    expire,
    isMember: desk.isMember,
    async start() {
      await lookOnce()
      timer = setInterval(() => {
        expire()
        void lookOnce()
      }, leaseMs / LOOKS_PER_LEASE)
    },
    async stop() {
      clearInterval(timer)
      await looking
      const names = mine()
      desk.held.clear()
      try {
        // The others may plan without this process while it finishes what is under way.
        await desk.leave()
        await runs([])
        await Promise.all(names.map(desk.release))
      } catch (error) {
        onError(error)
      }
    },
  }
}

/** What is done here, and how it changes. */
function workplace({ work, runs, onError, leaseMs = LEASE_MS }: SharerParts, desk: Desk) {
  const { held, now, me } = desk
  const unclaimed = unclaimedWork(leaseMs, now)
  let told: readonly string[] = []

  const mine = () => work.filter((name) => now() < (held.get(name)?.until ?? 0))
  const tell = (): Promise<void> => {
    told = mine()
    return runs(told)
  }
  const tellIfChanged = async () => {
    if (mine().join() !== told.join()) await tell()
  }
  const leaving = new Set<string>()
  /** Stops it here first, then gives it away; not taken again before it has been given. */
  const giveUp = (names: readonly string[]) => {
    if (names.length === 0) return
    for (const name of names) {
      held.delete(name)
      leaving.add(name)
    }
    void tell()
      .then(() => Promise.all(names.map(desk.release)))
      .catch(onError)
      .finally(() => {
        for (const name of names) leaving.delete(name)
      })
  }
  const prolong = async (name: string) => {
    const before = held.get(name)
    if (before !== undefined && now() < before.renewAt) return
    const lease = await desk.take(name)
    // Somebody else had it in between: what is remembered of it here is old.
    if (before !== undefined && lease?.token !== before.token) {
      held.delete(name)
      await tellIfChanged()
    }
    if (lease !== null) held.set(name, lease)
  }
  return {
    mine,
    async look() {
      await desk.join()
      const { members, holders } = await desk.view()
      for (const name of leaving) holders.set(name, '(on its way)')
      const orphans = unclaimed(work, members, holders)
      const shared = work.filter((name) => !orphans.has(name))
      const { keep, take } = fairShare({ me, members, work: shared, holders })
      const extra = [...orphans].filter((name) => (holders.get(name) ?? me) === me)
      const wanted = [...keep, ...take, ...extra]
      giveUp(mine().filter((name) => !wanted.includes(name)))
      // At once: a server takes them together, and one by one they would be late.
      await Promise.all(wanted.map(prolong))
      await tellIfChanged()
    },
    expire: () => void tellIfChanged().catch(onError),
  }
}

type Desk = ReturnType<typeof deskOf>

/** The leases as this process sees them. Its own times are never longer than the store's. */
function deskOf({ leases, group, member, leaseMs = LEASE_MS, now: clock }: SharerParts) {
  const now = clock ?? (() => performance.now())
  const held = new Map<string, Held>()
  const memberLease = `${group}/member/${member}`
  const workLease = (name: string) => `${group}/work/${name}`
  let membership: Held | null = null

  const acquire = async (name: string): Promise<Held | null> => {
    // Before asking: the store's own count begins later.
    const from = now()
    const lease = await leases.acquire(name, member, leaseMs)
    if (lease === null) return null
    return { token: lease.token, until: from + leaseMs, renewAt: from + leaseMs * RENEWED_AFTER }
  }
  return {
    me: member,
    now,
    held,
    isMember: () => membership !== null && now() < membership.until,
    take: (name: string) => acquire(workLease(name)),
    release: (name: string) => leases.release(workLease(name), member),
    leave: () => leases.release(memberLease, member),
    async join() {
      if (membership === null || now() >= membership.renewAt)
        membership = await acquire(memberLease)
    },
    async view() {
      const all = await leases.held(`${group}/`)
      const rest = (prefix: string) =>
        all
          .filter(({ name }) => name.startsWith(prefix))
          .map(({ name, holder }) => [name.slice(prefix.length), holder] as const)
      return {
        members: rest(`${group}/member/`).map(([id]) => id),
        holders: new Map(rest(`${group}/work/`)),
      }
    },
  }
}

/**
 * Work that stays free for a whole lease is unknown to those who should take it: during an upgrade
 * old processes know less. Whoever knows it takes it, and it does not count.
 */
function unclaimedWork(leaseMs: number, now: () => number) {
  const freeSince = new Map<string, number>()
  const orphans = new Set<string>()
  let seen = ''
  return (
    work: readonly string[],
    members: readonly string[],
    holders: ReadonlyMap<string, string>,
  ): ReadonlySet<string> => {
    const present = [...members].sort().join()
    if (present !== seen) {
      freeSince.clear()
      orphans.clear()
      seen = present
    }
    for (const name of work) {
      if (holders.has(name)) freeSince.delete(name)
      else if (!freeSince.has(name)) freeSince.set(name, now())
      else if (now() - freeSince.get(name)! >= leaseMs) orphans.add(name)
    }
    return orphans
  }
}
