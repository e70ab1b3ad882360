// A provider's book that ends with the process. It forgets the oldest beyond its limit.
import { LRUCache } from 'lru-cache'
import type { ProviderBook } from '#providers/book.ts'

type Known<Entry> = { asked: number; entry: Entry | null }

const REMEMBER_MAX = 100_000

export const openBook = async <Entry>(): Promise<ProviderBook<Entry>> => memoryBook<Entry>()

/** `rememberMax`: how many operations, and as many accounts. */
export function memoryBook<Entry>(rememberMax = REMEMBER_MAX): ProviderBook<Entry> {
  const operations = new LRUCache<string, Known<Entry>>({ max: rememberMax })
  const accounts = new LRUCache<string, Entry[]>({ max: rememberMax })

  const known = (operationId: string): Known<Entry> => {
    const found = operations.get(operationId) ?? { asked: 0, entry: null }
    operations.set(operationId, found)
    return found
  }

  return {
    async carryOut({ operation_id, account }, judge, onTheWay) {
      const { asked } = known(operation_id)
      await onTheWay?.()
      const arrived = known(operation_id)
      if (arrived.entry !== null) return arrived.entry
      if (arrived.asked !== asked) return null
      const held = accounts.get(account) ?? []
      arrived.entry = judge([...held])
      accounts.set(account, [...held, arrived.entry])
      return arrived.entry
    },
    async find(operationId) {
      const found = known(operationId)
      if (found.entry === null) found.asked++
      return found.entry
    },
    entries: async (account) =>
      account === undefined ? [...accounts.values()].flat() : (accounts.get(account) ?? []),
    async close() {},
  }
}
