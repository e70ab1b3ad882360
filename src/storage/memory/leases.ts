// Leases within one process. The clock is the process's own, which no change of the wall clock
// moves.
import { bytewise } from '#kernel/bytewise.ts'
import type { Leases } from '#storage/leases.ts'

type Held = { readonly holder: string | null; readonly token: number; readonly until: number }

/** `clock`: milliseconds that never go back; for tests. */
export async function openLeases(
  _place?: unknown,
  clock: () => number = () => performance.now(),
): Promise<Leases> {
  // A released lease stays with its token: the next holder's must be larger.
  const leases = new Map<string, Held>()
  return {
    async acquire(name, holder, forMs) {
      const now = clock()
      const held = leases.get(name) ?? { holder: null, token: 0, until: 0 }
      const mine = held.holder === holder
      if (!mine && held.holder !== null && now < held.until) return null
      const token = mine ? held.token : held.token + 1
      leases.set(name, { holder, token, until: now + forMs })
      return { name, holder, token }
    },
    async release(name, holder) {
      const held = leases.get(name)
      if (held?.holder === holder) leases.set(name, { ...held, holder: null, until: 0 })
    },
    async held(prefix) {
      const now = clock()
      return [...leases]
        .filter(([name, { holder, until }]) => {
          return name.startsWith(prefix) && holder !== null && now < until
        })
        .map(([name, { holder, token }]) => ({ name, holder: holder!, token }))
        .sort((a, b) => bytewise(a.name, b.name))
    },
    async close() {},
  }
}
