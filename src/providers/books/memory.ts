// A provider's book that ends with the process. It forgets the oldest beyond its limit.
import { LRUCache } from 'lru-cache'
import { bytewise } from '#kernel/bytewise.ts'
import type { Kept, ProviderBook } from '#providers/book.ts'

type Known<Entry> = { asked: number; entry: Entry | null; account: string; number: number }

const REMEMBER_MAX = 100_000

export const openBook = async <Entry>(): Promise<ProviderBook<Entry>> => memoryBook<Entry>()

/** `rememberMax`: how many operations, and as many accounts. */
export function memoryBook<Entry>(rememberMax = REMEMBER_MAX): ProviderBook<Entry> {
  const operations = new LRUCache<string, Known<Entry>>({ max: rememberMax })
  const accounts = new LRUCache<string, Entry[]>({ max: rememberMax })

  const known = (operationId: string): Known<Entry> => {
    const found = operations.get(operationId) ?? { asked: 0, entry: null, account: '', number: 0 }
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
      arrived.account = account
      arrived.number = held.length
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
    async page(after, limit) {
      const kept = [...operations].flatMap(([operation_id, { account, number, entry }]) =>
        entry === null ? [] : [{ operation_id, account, number, entry }],
      )
      return kept
        .filter((one) => bytewise(one.operation_id, after) > 0)
        .sort((a, b) => bytewise(a.operation_id, b.operation_id))
        .slice(0, limit)
    },
    async restore(given: readonly Kept<Entry>[]) {
      for (const { operation_id, account, number, entry } of given) {
        const one = known(operation_id)
        const held = accounts.get(account) ?? []
        if (one.entry !== null || held[number] !== undefined) continue
        Object.assign(one, { account, number, entry })
        // In any order: a copy keeps the places that are still to come empty.
        const more = held.slice()
        more[number] = entry
        accounts.set(account, more)
      }
    },
    async close() {},
  }
}
