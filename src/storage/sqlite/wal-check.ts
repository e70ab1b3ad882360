// A write-ahead log that lost a page in its middle. SQLite stops reading at the first page that
// does not fit, as after a crash, and would drop what was committed behind it without a word. After
// a crash nothing committed can lie behind: a commit is synced before the next one is begun.
import { existsSync, readFileSync } from 'node:fs'

const HEADER = 32
const FRAME_HEADER = 24
const BIG_ENDIAN = 0x377f0683
const LITTLE_ENDIAN = 0x377f0682
const PAGE_BYTES = 4096

type Sums = readonly [number, number]

/** Throws when something that was committed lies behind a page that does not fit. */
export function assertWholeWal(path: string): void {
  const wal = `${path}-wal`
  if (!existsSync(wal)) return
  const bytes = readFileSync(wal)
  const lost = lostIn(bytes)
  // Somebody began to write it anew while it was read: it is alive.
  if (lost === null || !readFileSync(wal).subarray(0, HEADER).equals(bytes.subarray(0, HEADER)))
    return
  throw new Error(
    `${wal} is damaged at byte ${lost.at}: what was committed behind it would be lost. See to the ` +
      'disk, put back a backup (docs/operating.md); to go on without what is behind, cut the file ' +
      `there (truncate -s ${lost.at})`,
  )
}

/** The place of the first page that does not fit, when a commit lies behind it. */
function lostIn(bytes: Buffer): { readonly at: number } | null {
  if (bytes.length < HEADER + FRAME_HEADER) return null
  const magic = bytes.readUInt32BE(0)
  const isBig = magic === BIG_ENDIAN
  const headed =
    (isBig || magic === LITTLE_ENDIAN) &&
    same(sum(bytes, 0, HEADER - 8, [0, 0], isBig), sumsAt(bytes, HEADER - 8))
  const page = headed ? bytes.readUInt32BE(8) : PAGE_BYTES
  const frame = FRAME_HEADER + page
  const count = Math.floor((bytes.length - HEADER) / frame)
  const start = (n: number) => HEADER + n * frame
  // A header that is gone says nothing of its pages; they say it of each other.
  const salt = headed ? bytes.subarray(16, 24) : bytes.subarray(HEADER + 8, HEADER + 16)
  const isSalted = (n: number) => bytes.subarray(start(n) + 8, start(n) + 16).equals(salt)
  const fits = (n: number, before: Sums) => {
    const at = start(n)
    const head = sum(bytes, at, at + 8, before, isBig)
    return (
      isSalted(n) &&
      same(sum(bytes, at + FRAME_HEADER, at + frame, head, isBig), sumsAt(bytes, at + 16))
    )
  }
  let whole = 0
  let before = headed ? sumsAt(bytes, HEADER - 8) : null
  while (before !== null && whole < count && fits(whole, before)) {
    before = sumsAt(bytes, start(whole) + 16)
    whole++
  }
  for (let n = whole; n + 1 < count; n++) {
    const isCommit = bytes.readUInt32BE(start(n) + 4) !== 0
    if (isCommit && fits(n + 1, sumsAt(bytes, start(n) + 16)))
      return { at: headed ? start(whole) : 0 }
  }
  return null
}

const sumsAt = (bytes: Buffer, at: number): Sums => [
  bytes.readUInt32BE(at),
  bytes.readUInt32BE(at + 4),
]
const same = ([a, b]: Sums, [c, d]: Sums) => a === c && b === d

/** As SQLite sums: pairs of words, in the byte order that the header names. */
function sum(bytes: Buffer, from: number, to: number, [a, b]: Sums, isBig: boolean): Sums {
  let [one, two] = [a, b]
  for (let at = from; at < to; at += 8) {
    const first = isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
    const second = isBig ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)
    one = (one + first + two) >>> 0
    two = (two + second + one) >>> 0
  }
  return [one, two]
}
