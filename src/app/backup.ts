// A backup: the exported log, the books of the built-in providers and the keys of persons, each a
// file of checked lines, and a manifest that says what they come to. Written beside its place and
// moved there whole; the same for every engine, so that it is restored into any.
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { ProviderBook } from '#providers/book.ts'
import type { Books } from '#providers/books.ts'
import type { Progress } from '#runtime/operations.ts'
import { keptText } from '#runtime/seals.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import { Damaged, type Written, writeLines } from './checked-lines.ts'
import { exportLog } from './log-file.ts'

/** What is kept; null: there is no such store. */
export type Kept = {
  readonly log: EventLog
  readonly books: Books | null
  readonly keys: KeyRing | null
}
export const FILES = { log: 'log.jsonl', books: 'books.jsonl', keys: 'keys.jsonl' } as const
export const MANIFEST = 'manifest.json'
export const FORMAT = 1

export type Manifest = {
  readonly daybook: string
  readonly format: number
  readonly taken_at: string
  /** Of the last event: everything that was acknowledged up to it is in the backup. */
  readonly position: number
  readonly timestamp: string | null
  readonly seal: string
  readonly counts: {
    readonly events: number
    readonly commands: number
    readonly operations: number
    readonly keys: number
  }
  readonly files: Readonly<Record<keyof typeof FILES, Written>>
}
const PAGE = 1_000

export type BackupOptions = {
  readonly version: string
  readonly onProgress?: (progress: Progress) => void
}

/** Throws when the folder is there already. Beside a shop at work: nothing is held for it. */
export async function writeBackup(
  { log, books, keys }: Kept,
  folder: string,
  { version, onProgress = () => {} }: BackupOptions,
): Promise<Manifest> {
  if (existsSync(folder)) throw new Error(`${folder} is there already; name a folder that is not`)
  // What a killed backup has left is in nobody's way.
  const partial = `${resolve(folder)}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true, mode: 0o700 })
  const taken_at = new Date().toISOString()
  const exported = await exportLog(log, join(partial, FILES.log), (done, of) =>
    onProgress({ what: 'log', done, of }),
  )
  // After the log: what it knows of, they know of. Keys last, so that none is missing that an event
  // needs.
  const operations = await writeBooks(books, join(partial, FILES.books))
  const made = await writeKeys(keys, join(partial, FILES.keys))
  const { events, commands, seal, timestamp } = exported
  const manifest: Manifest = {
    daybook: version,
    format: FORMAT,
    taken_at,
    position: events,
    timestamp,
    seal: keptText(seal),
    counts: { events, commands, operations: operations.count, keys: made.count },
    files: { log: exported.file, books: operations.file, keys: made.file },
  }
  const text = JSON.stringify({ ...manifest, check: checkOf(manifest) }, null, 2)
  await writeFile(join(partial, MANIFEST), `${text}\n`, { mode: 0o600, flush: true })
  await settle(partial)
  await rename(partial, folder)
  await settle(dirname(resolve(folder)))
  return manifest
}

/** Its names outlive a power cut. */
async function settle(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

type Part = { readonly count: number; readonly file: Written }

async function writeBooks(books: Books | null, path: string): Promise<Part> {
  const out = await writeLines(path)
  let count = 0
  await out.write({ daybook: FORMAT + 1, kind: 'books' })
  for (const book of ['payments', 'labels'] as const) {
    const from: ProviderBook<unknown> | undefined = books?.[book]
    for (let after = ''; from !== undefined; ) {
      const page = await from.page(after, PAGE)
      for (const operation of page) await out.write({ book, operation })
      count += page.length
      if (page.length === 0) break
      after = page.at(-1)!.operation_id
    }
  }
  await out.write({ end: { operations: count } })
  return { count, file: await out.end() }
}

async function writeKeys(keys: KeyRing | null, path: string): Promise<Part> {
  const out = await writeLines(path)
  let count = 0
  await out.write({ daybook: FORMAT + 1, kind: 'keys' })
  for (let after = ''; keys !== null; ) {
    const page = await keys.page(after, PAGE)
    for (const [subject, key] of page) {
      await out.write({ subject, key: key === null ? null : key.toString('base64url') })
      after = subject
    }
    count += page.size
    if (page.size === 0) break
  }
  await out.write({ end: { keys: count } })
  return { count, file: await out.end() }
}

/** Throws Damaged where it is not what `writeBackup` wrote. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST)
  if (!existsSync(path))
    throw new Damaged(`${folder} is not a backup, or not a whole one: it has no ${MANIFEST}`)
  let found: (Manifest & { check?: string }) | null = null
  try {
    found = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new Damaged(`${path} is not JSON`, { cause })
  }
  const { check, ...manifest } = found!
  if (check !== checkOf(manifest)) throw new Damaged(`${path} is not what was written`)
  if (manifest.format !== FORMAT)
    throw new Error(`${path} is of format ${manifest.format}; this Daybook reads ${FORMAT}`)
  return manifest
}

const checkOf = (manifest: Manifest) => hash('sha256', JSON.stringify(manifest), 'base64url')
