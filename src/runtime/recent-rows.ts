// The rows used last, within a bound. Two generations instead of an exact order: a page of events
// asks for thousands of rows, and an exact order of them cost as much as storing the rows.

export type RecentRows<R> = {
  get(key: string): R | undefined
  set(key: string, row: R): void
  delete(key: string): void
  clear(): void
}

/** Keeps at least the last `max / 2` rows used, at most `max`. */
export function recentRows<R>(max: number): RecentRows<R> {
  let young = new Map<string, R>()
  let old = new Map<string, R>()
  const half = Math.max(1, Math.floor(max / 2))
  const set = (key: string, row: R) => {
    if (young.size >= half && !young.has(key)) {
      old = young
      young = new Map()
    }
    young.set(key, row)
  }
  return {
    get(key) {
      const row = young.get(key)
      if (row !== undefined) return row
      const aged = old.get(key)
      if (aged !== undefined) {
        old.delete(key)
        set(key, aged)
      }
      return aged
    },
    set(key, row) {
      old.delete(key)
      set(key, row)
    },
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
    clear() {
      young = new Map()
      old = new Map()
    },
  }
}
