// Every contract on every engine of the list. An engine that cannot run here says so, and fails
// when REQUIRE_ENGINES (names with commas) asks for it.
import { fail, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { type Engine, type EngineName, engines, type Place } from './engines.ts'
import { eventLogContract } from './event-log.contract.ts'
import { eventLogHistories } from './event-log-histories.contract.ts'
import { eventLogKills } from './event-log-kills.contract.ts'
import { keyRingContract } from './key-ring.contract.ts'
import { leasesContract } from './leases.contract.ts'
import type { Opened } from './opened.ts'
import { readModelsContract } from './read-models.contract.ts'

/** A fresh place for one test, or why there is none. */
type Site = {
  readonly keeps: boolean
  readonly inspect?: (place: Place) => readonly string[]
  readonly make: () => Place & { readonly remove: () => void }
}
const sites: Readonly<Record<EngineName, Site | { readonly skipped: string }>> = {
  memory: { keeps: false, make: () => ({ path: '', remove: () => {} }) },
  sqlite: { keeps: true, make: folder, inspect: sqliteCheck },
}

function folder() {
  const made = mkdtempSync(join(tmpdir(), 'daybook-engine-'))
  return {
    path: join(made, 'store.db'),
    remove: () => rmSync(made, { recursive: true, force: true }),
  }
}

function sqliteCheck({ path }: Place): readonly string[] {
  const db = new DatabaseSync(path, { readOnly: true })
  const rows = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[]
  db.close()
  return rows.map((row) => row.integrity_check).filter((found) => found !== 'ok')
}

const required = (process.env.REQUIRE_ENGINES ?? '').split(',').filter((name) => name !== '')

describe('engines', () => {
  it('has every engine that is required', () => {
    for (const name of required) ok(Object.hasOwn(engines, name), `there is no engine ${name}`)
  })
})

/** Opens a port in a new place; the same place again where the engine keeps it. */
const opener =
  <Port>({ keeps, make }: Site, open: (place: Place) => Promise<Port>) =>
  async (): Promise<Opened<Port>> => {
    const place = make()
    const opened = { port: await open(place), remove: async () => place.remove() }
    return keeps ? { ...opened, reopen: () => open(place) } : opened
  }

for (const name of Object.keys(engines) as EngineName[]) {
  const site = sites[name]
  if ('skipped' in site) {
    it(`${name} is tested`, (t) =>
      required.includes(name) ? fail(`${name} is required: ${site.skipped}`) : t.skip(site.skipped))
    continue
  }
  const engine: Engine = await engines[name]()
  eventLogContract(name, opener(site, engine.openEventLog))
  eventLogHistories(name, opener(site, engine.openEventLog))
  readModelsContract(name, opener(site, engine.openReadModels))
  leasesContract(name, opener(site, engine.openLeases))
  keyRingContract(name, opener(site, engine.openKeyRing))
  const { keeps, inspect } = site
  if (keeps && inspect !== undefined)
    eventLogKills(name, async () => {
      const place = site.make()
      return {
        engine: name,
        place,
        open: () => engine.openEventLog(place),
        inspect: () => inspect(place),
        remove: async () => place.remove(),
      }
    })
}
