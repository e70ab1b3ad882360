// Every contract on one engine. Each engine has a file `engine.test.ts` in its folder that says
// where its stores lie and calls this.
import { type Engine, type EngineName, engines, type Place } from './engines.ts'
import { eventLogContract } from './event-log.contract.ts'
import type { EventLog } from './event-log.ts'
import { eventLogHistories } from './event-log-histories.contract.ts'
import { eventLogKills } from './event-log-kills.contract.ts'
import { jobBookContract } from './job-book.contract.ts'
import { keyRingContract } from './key-ring.contract.ts'
import { leasesContract } from './leases.contract.ts'
import type { Opened } from './opened.ts'
import { outboxContract } from './outbox.contract.ts'
import { readModelsContract } from './read-models.contract.ts'

/** A fresh place for one test. */
export type Site = { readonly place: Place; readonly remove: () => Promise<void> }

export type Sites = {
  readonly make: () => Promise<Site>
  /** Something is still there when a port was closed. */
  readonly keeps: boolean
  /** The ports that several processes may have open, and the place as another one names it. */
  readonly shares: readonly (keyof Engine)[]
  readonly beside?: (place: Place) => Place
  /** For the kill test: waits for what the killed left behind; says what is wrong with a log. */
  readonly quiet?: (place: Place) => Promise<void>
  readonly inspect?: (place: Place) => Promise<readonly string[]>
}

export async function engineContract(name: EngineName, sites: Sites): Promise<void> {
  const engine: Engine = await engines[name]()
  eventLogContract(name, opener(engine, sites, 'openEventLog'))
  eventLogHistories(name, opener(engine, sites, 'openEventLog'))
  readModelsContract(name, opener(engine, sites, 'openReadModels'))
  leasesContract(name, opener(engine, sites, 'openLeases'))
  keyRingContract(name, opener(engine, sites, 'openKeyRing'))
  outboxContract(name, opener(engine, sites, 'openOutbox'))
  jobBookContract(name, opener(engine, sites, 'openJobBook'))
  const { inspect } = sites
  if (inspect !== undefined)
    eventLogKills(name, () => killSite(name, engine, { ...sites, inspect }))
}

type Ports = { [Open in keyof Engine]: Awaited<ReturnType<Engine[Open]>> }

/** Opens a port in a new place; the same place again, and beside it, where the engine can. */
const opener =
  <Open extends keyof Engine>(engine: Engine, sites: Sites, name: Open) =>
  async (): Promise<Opened<Ports[Open]>> => {
    const { keeps, shares, beside = (place) => place } = sites
    const { place, remove } = await sites.make()
    // A union of functions is not called with one type of answer.
    const open = engine[name] as (place: Place) => Promise<Ports[Open]>
    return {
      port: await open(place),
      remove,
      ...(keeps && { reopen: () => open(place) }),
      ...(shares.includes(name) && { beside: () => open(beside(place)) }),
    }
  }

async function killSite(
  name: EngineName,
  engine: Engine,
  sites: Sites & Required<Pick<Sites, 'inspect'>>,
) {
  const { place, remove } = await sites.make()
  return {
    engine: name,
    place,
    processes: sites.shares.includes('openEventLog') ? 2 : 1,
    async open(): Promise<EventLog> {
      await sites.quiet?.(place)
      return await engine.openEventLog(place)
    },
    inspect: () => sites.inspect(place),
    remove,
  }
}
