// What is kept of a projection beside its rows: its table's name, its generation, whether it is
// held. A swap changes all of it at once.
import { TableUnready } from '#storage/read-models.ts'
import type { Session } from './read-model-session.ts'
import { removeTable, renameTable } from './read-model-tables.ts'

export function tableOf({ all }: Session, projection: string): string | undefined {
  const text = 'SELECT table_name FROM projections WHERE name = ?'
  return all({ text, values: [projection] })[0]?.[0] as string | undefined
}

/** False when the live one has gone further. */
export function swap(session: Session, projection: string, shadow: string): boolean {
  const { database, all, run } = session
  const live = tableOf(session, projection)
  const beside = tableOf(session, shadow)
  if (live === undefined || beside === undefined)
    throw new TableUnready(`${projection} or ${shadow} is not there`)
  const text =
    'SELECT max(CASE name WHEN ? THEN checkpoint END) <= max(CASE name WHEN ? THEN checkpoint END) ' +
    'FROM projections'
  if (all({ text, values: [projection, shadow] })[0]![0] !== 1) return false
  removeTable(database, live)
  forget(session, projection)
  renameTable(database, beside, live)
  run('UPDATE projections SET name = ?, table_name = ? WHERE name = ?', projection, live, shadow)
  for (const table of ['parked', 'parked_keys'])
    run(`UPDATE ${table} SET projection = ? WHERE projection = ?`, projection, shadow)
  return true
}

export function drop(session: Session, projection: string): void {
  const table = tableOf(session, projection)
  if (table !== undefined) removeTable(session.database, table)
  forget(session, projection)
}

function forget(session: Session, projection: string): void {
  const { run } = session
  run('DELETE FROM projections WHERE name = ?', projection)
  run('DELETE FROM parked WHERE projection = ?', projection)
  run('DELETE FROM parked_keys WHERE projection = ?', projection)
  renew(session, projection)
}

// ── generations: absent is 0, and none comes back ──────────────────────────────────────────────

export function renew({ run }: Session, projection: string): void {
  run(
    'INSERT INTO projection_generations VALUES (?, 1) ' +
      'ON CONFLICT (projection) DO UPDATE SET generation = generation + 1',
    projection,
  )
}

export function generationOf({ all }: Session, projection: string): number {
  const text = 'SELECT generation FROM projection_generations WHERE projection = ?'
  return Number(all({ text, values: [projection] })[0]?.[0] ?? 0)
}

export function generations({ all }: Session): ReadonlyMap<string, number> {
  const text =
    'SELECT name, coalesce(generation, 0) FROM projections ' +
    'LEFT JOIN projection_generations ON projection = name'
  return new Map(all({ text, values: [] }).map(([name, number]) => [String(name), Number(number)]))
}

// ── holds ─────────────────────────────────────────────────────────────────────────────────────

export function hold({ run }: Session, projection: string, forMs: number | undefined): void {
  run(
    'INSERT INTO projection_holds VALUES (?, ?, ?) ON CONFLICT (projection) DO UPDATE SET ' +
      'for_ever = max(for_ever, excluded.for_ever), until_ms = max(until_ms, excluded.until_ms)',
    projection,
    forMs === undefined ? 1 : 0,
    forMs === undefined ? 0 : Math.ceil(Date.now() + forMs),
  )
}

export function letGo({ run }: Session, projection: string, timed: 'timed' | undefined): void {
  if (timed === undefined) run('DELETE FROM projection_holds WHERE projection = ?', projection)
  else run('UPDATE projection_holds SET until_ms = 0 WHERE projection = ?', projection)
}

export function held({ all }: Session): ReadonlyMap<string, boolean> {
  const text =
    'SELECT projection, for_ever FROM projection_holds WHERE for_ever = 1 OR until_ms > ?'
  return new Map(
    all({ text, values: [Date.now()] }).map(([name, forEver]) => [String(name), forEver === 1]),
  )
}
