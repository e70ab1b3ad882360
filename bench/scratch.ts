// Where the bench keeps its files, beside the default place of a book's own, so that it measures
// the disk that a shop would use; and how all of it goes away again, also after Ctrl-C.
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

export type Scratch = {
  folder(): string
  atEnd(undo: () => void): void
  clear(): void
}

export function openScratch(root: string): Scratch {
  const undone: (() => void)[] = []
  mkdirSync(dirname(root), { recursive: true })
  const own = mkdtempSync(root)
  let folders = 0
  const clear = () => {
    for (const undo of undone.splice(0).toReversed()) undo()
    rmSync(own, { recursive: true, force: true })
    removeIfEmpty(dirname(root))
  }
  process.on('exit', clear)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => process.exit(130))
  return {
    folder() {
      const path = join(own, String(++folders))
      mkdirSync(path)
      return path
    },
    atEnd: (undo) => void undone.push(undo),
    clear,
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Somebody keeps something there: it is theirs.
  }
}
