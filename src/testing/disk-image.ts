// A disk that loses its power: holds what a sync covered, and of the rest whatever chance kept,
// sector by sector, names as well as contents. After a failed sync nothing of what it should have
// covered will ever be there, though the program goes on reading it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DiskStep } from './disk-trace.ts'

type Change = Extract<DiskStep, { do: 'write' | 'resize' }>
type Naming = Extract<DiskStep, { do: 'create' | 'folder' | 'remove' | 'rename' }>
type Content = { durable: Buffer; pending: Change[] }
type Named = { readonly step: Naming; readonly content: Content | null }

/** What is kept of what no sync covered: null nothing, or each sector and name by this. */
export type Chance = (() => boolean) | null
const SECTOR = 512

export type Disk = {
  take(step: DiskStep): void
  /** Writes what a power cut leaves, `folder` of the trace becoming `target`. */
  image(target: string, chance: Chance): void
  /** What a power cut may take. */
  pending(): number
}

export function lossyDisk(folder: string): Disk {
  /** By name, as the program sees them. */
  const now = new Map<string, Content | null>()
  const durable = new Map<string, Content | null>()
  let naming: Named[] = []

  const name = (step: Naming, content: Content | null) => {
    apply(now, step, content)
    naming.push({ step, content })
  }
  const contentAt = (path: string): Content => {
    const content = now.get(path)
    if (content == null) throw new Error(`${path} is written and was never made`)
    return content
  }
  return {
    take(step) {
      if (step.do === 'say') return
      if (step.do === 'create') {
        if (!now.has(step.path)) name(step, { durable: Buffer.alloc(0), pending: [] })
      } else if (step.do === 'folder' || step.do === 'remove' || step.do === 'rename')
        name(step, now.get(step.path) ?? null)
      else if (step.do === 'write' || step.do === 'resize') {
        if (now.has(step.path)) contentAt(step.path).pending.push(step)
      } else if (now.get(step.path) == null) {
        // A folder: the names in it.
        if (step.do === 'failed sync') return
        for (const { step: one, content } of naming.filter((each) => isIn(each, step.path)))
          apply(durable, one, content)
        naming = naming.filter((each) => !isIn(each, step.path))
      } else {
        const content = contentAt(step.path)
        if (step.do === 'sync') content.durable = content.pending.reduce(changed, content.durable)
        content.pending = []
      }
    },
    image(target, chance) {
      const names = new Map(durable)
      for (const { step, content } of naming) if (chance?.()) apply(names, step, content)
      const isThere = (path: string): boolean =>
        path === folder || (names.has(path) && isThere(dirname(path)))
      for (const [path, content] of names) {
        if (!isThere(dirname(path))) continue
        const place = join(target, path.slice(folder.length))
        mkdirSync(content === null ? place : dirname(place), { recursive: true })
        if (content !== null) writeFileSync(place, kept(content, chance))
      }
    },
    pending: () =>
      [...now.values()].reduce((sum, content) => sum + (content?.pending.length ?? 0), 0) +
      naming.length,
  }
}

const isIn = ({ step }: Named, folder: string) => dirname(step.path) === folder

function apply(names: Map<string, Content | null>, step: Naming, content: Content | null): void {
  if (step.do === 'remove' || step.do === 'rename') names.delete(step.path)
  if (step.do === 'rename') names.set(step.to, content)
  if (step.do === 'create' || step.do === 'folder') names.set(step.path, content)
}

function changed(before: Buffer, step: Change): Buffer {
  const size =
    step.do === 'resize' ? step.size : Math.max(before.length, step.at + step.data.length)
  const after = size === before.length ? before : Buffer.alloc(size)
  if (after !== before) before.copy(after, 0, 0, Math.min(size, before.length))
  if (step.do === 'write') step.data.copy(after, step.at)
  return after
}

function kept({ durable, pending }: Content, chance: Chance): Buffer {
  const start: Buffer = Buffer.from(durable)
  if (chance === null) return start
  return pending.reduce((bytes, step) => {
    if (!chance()) return bytes
    // Mostly whole; else some of its sectors.
    if (step.do === 'resize' || chance()) return changed(bytes, step)
    return sectorsOf(step).reduce((so, part) => (chance() ? changed(so, part) : so), bytes)
  }, start)
}

function sectorsOf({ path, at, data }: Extract<Change, { do: 'write' }>): Change[] {
  const parts: Change[] = []
  for (let from = 0; from < data.length; ) {
    const to = Math.min(data.length, from + SECTOR - ((at + from) % SECTOR))
    parts.push({ do: 'write', path, at: at + from, data: data.subarray(from, to) })
    from = to
  }
  return parts
}
