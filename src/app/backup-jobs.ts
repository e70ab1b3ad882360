// The commands `backup` and `restore`: which stores the settings name, and what is said at the end.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openBooks } from '#providers/books.ts'
import type { Progress } from '#runtime/operations.ts'
import { problemsOf } from '#storage/sqlite/check-file.ts'
import { FILES, type Kept, type Manifest, writeBackup } from './backup.ts'
import { VERSION } from './compose.ts'
import { configFor } from './config-for.ts'
import { progressBar } from './import/progress.ts'
import { existing, printChecks, say } from './jobs.ts'
import { checkBackup, restoreBackup } from './restore.ts'
import {
  assertWhole,
  openKeys,
  openLog,
  openLogBeside,
  openRows,
  type Places,
  placesOf,
  type Stored,
} from './stores.ts'

const isThere = ({ engine, place }: Stored) => engine === 'postgres' || existsSync(place.path)

function shown() {
  const bar = progressBar(process.stderr)
  return {
    end: bar.end,
    of:
      (job: string) =>
      ({ what, done, of }: Progress) =>
        bar.show({ phase: `${job} ${what}`, done, of }),
  }
}

export async function openKept(
  places: Places,
  isNew: boolean,
  opening: AsyncDisposableStack,
): Promise<Kept> {
  const { engine, place } = places.simulator
  const kept = <T extends { close(): Promise<void> }>(store: T): T => {
    opening.defer(() => store.close())
    return store
  }
  const has = (store: Stored) => isNew || isThere(store)
  return {
    log: kept(await (isNew ? openLog(places.log) : openLogBeside(places.log))),
    books: has(places.simulator) ? kept(await openBooks(engine, place)) : null,
    keys: has(places.keys) ? kept(await openKeys(places.keys, !isNew)) : null,
  }
}

export async function backup(argv: readonly string[], folder: string): Promise<void> {
  const places = existing(configFor(argv))
  await using opening = new AsyncDisposableStack()
  const stores = await openKept(places, false, opening)
  await assertWhole(stores.log)
  const bar = shown()
  const manifest = await writeBackup(stores, folder, {
    version: VERSION,
    onProgress: bar.of('Backup'),
  })
  bar.end()
  say(`${folder}: ${contentsOf(manifest)}.`)
  say(`Whatever was acknowledged with a position up to ${manifest.position} is in it.`)
  sayLast(manifest)
  say(`Keep ${join(folder, FILES.keys)} apart: it opens the names and addresses in the log.`)
}

/** The last line of both: what proves later that nothing was changed. */
const sayLast = ({ position, seal }: Manifest) => {
  if (position > 0) say(`Seal: ${seal} (keep it elsewhere; verify --seal compares with it)`)
}
const contentsOf = ({ position, timestamp, counts }: Manifest) =>
  `the log to position ${position}${timestamp === null ? '' : ` (${timestamp})`}, ` +
  `${counts.events} events, ${counts.commands} command records, ${counts.operations} operations ` +
  `of the built-in provider and carrier, ${counts.keys} keys`

export type RestoreFlags = { readonly keys?: string; readonly withoutKeys: boolean }

export async function restore(
  argv: readonly string[],
  folder: string,
  flags: RestoreFlags,
): Promise<void> {
  const config = configFor(argv)
  const places = placesOf(config)
  if (places.log.engine === 'memory') throw new Error('a log in memory ends with the process')
  const keys = keysOf(folder, flags)
  const bar = shown()
  // Before anything is made in the new place.
  await checkBackup(folder, { keys, onProgress: bar.of('Check') })
  await assertNoRows(places)
  const { manifest, keys: made, checks } = await restoreInto(places, folder, keys, bar)
  bar.end()
  say(`Restored ${contentsOf({ ...manifest, counts: { ...manifest.counts, keys: made } })}.`)
  say(
    `Whatever was acknowledged with a position up to ${manifest.position} is here, nothing later.`,
  )
  if (keys === null) say('Without their keys, everybody in it is forgotten.')
  if (printChecks(checks, manifest.position) > 0)
    say('The copy is what was saved: these differences were in it.')
  sayLast(manifest)
}

async function restoreInto(
  places: Places,
  folder: string,
  keys: string | null,
  bar: ReturnType<typeof shown>,
) {
  await using opening = new AsyncDisposableStack()
  const stores = await openKept(places, true, opening)
  return await restoreBackup(stores, folder, {
    keys,
    onProgress: bar.of('Restore'),
    assertSound: () => assertSound(places),
  })
}

function keysOf(folder: string, { keys, withoutKeys }: RestoreFlags): string | null {
  if (withoutKeys) {
    if (keys !== undefined) throw new Error('--keys and --without-keys do not go together')
    return null
  }
  const path = keys ?? join(folder, FILES.keys)
  if (!existsSync(path))
    throw new Error(
      `there are no keys at ${path}: name their file with --keys, or say --without-keys, and ` +
        'everybody in the log is forgotten',
    )
  return path
}

/** Tables that were filled from another log would be taken for those of this one. */
async function assertNoRows({ views }: Places): Promise<void> {
  if (!isThere(views)) return
  const reads = await openRows(views)
  try {
    const filled = [...(await reads.checkpoints()).values()].some((checkpoint) => checkpoint > 0)
    if (filled)
      throw new Error('there are tables of another log already; restore into an empty place')
  } finally {
    await reads.close()
  }
}

function assertSound(places: Places): void {
  for (const { engine, place } of [places.log, places.keys, places.simulator]) {
    const problems = engine === 'sqlite' ? problemsOf(place.path) : []
    if (problems.length > 0) throw new Error(`${place.path}: ${problems.join('; ')}`)
  }
}
