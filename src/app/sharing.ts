// Which of the work this process does: all of it where it is alone, its share where others are on
// the same database.
import { randomUUID } from 'node:crypto'
import { type Sharer, sharer } from '#runtime/shares.ts'
import type { ProjectionHost } from './projection-host.ts'
import { SEALS } from './projections-here.ts'
import type { Roles } from './roles.ts'
import type { Config } from './settings.ts'
import { openLeases, placesOf } from './stores.ts'

/** What the role saga does, by name. */
export type Acting = {
  readonly names: readonly string[]
  /** From now on only these, here; resolves when nothing of the others is under way. */
  runs(names: readonly string[]): Promise<void>
  stop(): Promise<void>
}
export type SharingParts = {
  readonly config: Config
  readonly roles: Roles
  readonly projections: readonly string[]
  readonly host: ProjectionHost | null
  readonly acting: Acting
  readonly tell: (line: string) => void
}
export type Sharing = {
  /** What is done here now, by role; null where nothing is shared. For health. */
  shares(): Readonly<Record<string, readonly string[]>> | null
  /** Old responses are dropped by one process. */
  keepsHouse(): boolean
  /** False for a process that was paused for so long that others have taken its work over. */
  mayAct(): boolean
  start(): Promise<void>
  /** Finishes what is under way and gives it to the others. */
  stop(): Promise<void>
}

const HOUSEKEEPING = 'housekeeping'

/** One database for events and rows, and as many processes on it as one likes. */
export const isShared = (config: Config): boolean =>
  config['event_store.driver'] === 'postgres' && config['read_store.driver'] === 'postgres'

/** Alone: everything is begun here; nothing touches a lease. */
export function alone({ roles, acting }: Pick<SharingParts, 'roles' | 'acting'>): Sharing {
  return {
    shares: () => null,
    keepsHouse: () => true,
    mayAct: () => true,
    async start() {
      if (roles.has('saga')) await acting.runs(acting.names)
    },
    stop: () => acting.stop(),
  }
}

/** Begins with nothing and takes its share. */
export async function share(parts: SharingParts): Promise<Sharing> {
  const { config, roles, projections, host, acting, tell } = parts
  const leases = await openLeases(placesOf(config).log)
  const member = randomUUID()
  const common = { leases, member, onError: (error: unknown) => tell(`leases: ${String(error)}`) }
  const follow = sharer({
    ...common,
    group: 'projection',
    work: [...projections, SEALS, HOUSEKEEPING],
    runs: async (names) => {
      await host?.runs(names.filter((name) => name !== HOUSEKEEPING))
    },
  })
  const act = sharer({ ...common, group: 'saga', work: acting.names, runs: acting.runs })
  const mine: readonly (readonly [string, Sharer])[] = [
    ...(roles.has('projection') ? [['projection', follow] as const] : []),
    ...(roles.has('saga') ? [['saga', act] as const] : []),
  ]
  return {
    shares: () => Object.fromEntries(mine.map(([role, one]) => [role, one.mine()])),
    keepsHouse: () => follow.mine().includes(HOUSEKEEPING),
    mayAct: act.isMember,
    async start() {
      for (const [, one] of mine) await one.start()
    },
    async stop() {
      await Promise.all(mine.map(([, one]) => one.stop()))
      await acting.stop()
      await leases.close()
    },
  }
}
