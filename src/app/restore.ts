// Puts a backup into an empty place, on whatever engine. Until everything was compared the log says
// that it is a part, and nobody works on it; an interrupted restore is run again.
import { join } from 'node:path'
import type { Kept as KeptOperation } from '#providers/book.ts'
import type { Books } from '#providers/books.ts'
import type { LabelEntry } from '#providers/carrier-simulator.ts'
import type { LedgerEntry } from '#providers/payment-simulator.ts'
import type { Progress, VerifyReport } from '#runtime/operations.ts'
import { keptFrom } from '#runtime/seals.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import { FILES, type Kept, type Manifest, readManifest } from './backup.ts'
import { Damaged, fileHash, type Line, readLines, type Written } from './checked-lines.ts'
import { importLog } from './log-file.ts'

export type RestoreOptions = {
  /** The file of keys; null: they are not put back, and everybody in the log is forgotten. */
  readonly keys: string | null
  readonly onProgress?: (progress: Progress) => void
  /** Throws where the files themselves are not sound; asked before the log counts as whole. */
  readonly assertSound?: () => void
}
export type Restored = {
  readonly manifest: Manifest
  readonly keys: number
  /** Differences in it were in the log that was saved. */
  readonly checks: VerifyReport['checks']
}
const BATCH = 1_000

/** Looks through every file before anything is written. Throws Damaged, naming file and line. */
export async function checkBackup(
  folder: string,
  { keys, onProgress = () => {} }: RestoreOptions,
): Promise<Manifest> {
  const manifest = await readManifest(folder)
  await checkFile(join(folder, FILES.log), manifest.files.log, onProgress)
  await checkFile(join(folder, FILES.books), manifest.files.books, onProgress)
  if (keys !== null) await checkFile(keys, manifest.files.keys, onProgress)
  return manifest
}

async function checkFile(
  path: string,
  { bytes, sha256 }: Written,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const found = await fileHash(path, (done) =>
    onProgress({ what: 'files', done: Math.min(done, bytes), of: bytes }),
  )
  if (found.sha256 === sha256) return
  // The line that is not as it was, where one can be named.
  for await (const _ of readLines(path));
  throw new Damaged(`${path} is not what was written: ${found.bytes} bytes where ${bytes} were`)
}

/** Throws where something is in the place already that is not of this very backup. */
export async function restoreBackup(
  { log, books, keys }: Kept,
  folder: string,
  options: RestoreOptions,
): Promise<Restored> {
  const { onProgress = () => {} } = options
  const manifest = await checkBackup(folder, options)
  if ((await log.head()).position !== 0 && !(await log.isUnfinished()))
    throw new Error('there is a log already; a backup is restored into an empty place only')
  // From here on nobody starts on it.
  await log.restore([], [], true)
  const made = await restoreKeys(keys, options.keys)
  await restoreBooks(books, join(folder, FILES.books))
  const { position } = manifest
  const { seal } = await importLog(log, join(folder, FILES.log), {
    isPart: true,
    onProgress: (done) => onProgress({ what: 'log', done, of: position }),
  })
  if (seal.position !== position && position > 0)
    throw new Damaged(`${folder}: the log ends at ${seal.position}, the manifest says ${position}`)
  const kept = position === 0 ? [] : [keptFrom(manifest.seal)]
  const { checks } = await verifyLog(log, { kept, onProgress })
  const isCopy = checks.every(({ name, differing }) => name !== 'kept seals' || differing === 0)
  if (!isCopy) throw new Error('what was restored is not what was saved; try another disk')
  options.assertSound?.()
  await log.restore([], [])
  return { manifest, keys: made, checks }
}

async function restoreKeys(keys: KeyRing | null, path: string | null): Promise<number> {
  if (keys === null || path === null) return 0
  let count = 0
  await inBatches(path, 'keys', async (lines) => {
    const batch = lines.map(({ value }) => {
      const key = value.key as string | null
      return [value.subject as string, key === null ? null : Buffer.from(key, 'base64url')] as const
    })
    await keys.restore(new Map(batch))
    count += batch.length
  })
  return count
}

async function restoreBooks(books: Books | null, path: string): Promise<void> {
  if (books === null) return
  await inBatches(path, 'books', async (lines) => {
    const of = <Entry>(book: string) =>
      lines
        .filter(({ value }) => value.book === book)
        .map(({ value }) => value.operation as KeptOperation<Entry>)
    await books.payments.restore(of<LedgerEntry>('payments'))
    await books.labels.restore(of<LabelEntry>('labels'))
  })
}

/** The lines between the header and the end. */
async function inBatches(
  path: string,
  kind: string,
  take: (lines: readonly Line[]) => Promise<void>,
): Promise<void> {
  let batch: Line[] = []
  let isEnded = false
  for await (const line of readLines(path)) {
    if (line.number === 1 && line.value.kind !== kind)
      throw new Damaged(`${path}: line 1 is not the header of a backup's ${kind}`)
    isEnded = 'end' in line.value
    if (line.number > 1 && !isEnded) batch.push(line)
    if (batch.length < BATCH) continue
    await take(batch)
    batch = []
  }
  if (!isEnded) throw new Damaged(`${path} is cut off: it has no end`)
  if (batch.length > 0) await take(batch)
}
