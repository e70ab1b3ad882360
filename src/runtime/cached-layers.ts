// A cache in the process before one that all processes share. The near one answers only while it
// hears what the far one is told.
import type { Cache, Found, SharedCache, Ticket } from '#storage/cache.ts'

/** A ticket for both; each may refuse. */
type Both = Ticket & { readonly near: Ticket | null }

/** Takes both over: closing it closes them. Near answers at once. */
export function layered(near: Cache, far: SharedCache): Cache {
  let hearing = false
  const known = new Set<string>()
  far.onHeard((heard) => {
    if (heard.kind === 'told') {
      known.add(heard.change.source)
      void near.tell([heard.change])
    } else if (heard.kind === 'forgotten') void near.forget(heard.sources)
    else {
      hearing = heard.kind === 'hearing'
      // What was missed is not known.
      void near.forget([...known])
    }
  })

  const lookNear = async (key: string, sources: readonly string[]): Promise<Found> => {
    const found = await near.get(key, sources)
    return hearing ? found : { ...found, fresh: false, ticket: null }
  }
  const lookFar = async (key: string, sources: readonly string[], nearby: Found) => {
    try {
      return await far.get(key, sources)
    } catch (error) {
      // The last answer is here too, perhaps.
      if (nearby.kept === null) throw error
      return { ...nearby, ticket: null }
    }
  }

  return {
    async get(key, sources) {
      const nearby = await lookNear(key, sources)
      if (nearby.fresh) return { ...nearby, ticket: nearby.ticket && bothOf(nearby.ticket) }
      const { kept, fresh, ticket } = await lookFar(key, sources, nearby)
      if (fresh && kept !== null && ticket !== null && nearby.ticket !== null) {
        // What holds there has seen all that was told there.
        const answer = { ...kept, reached: ticket.told }
        await near.fill(key, nearby.ticket, answer, kept.restMs)
      }
      return { kept, fresh, ticket: ticket && bothOf(ticket, nearby.ticket) }
    },
    async fill(key, ticket, answer, ttlMs) {
      // All tickets of this cache were made by `get`.
      const { near: nearTicket } = ticket as Both
      if (nearTicket !== null) await near.fill(key, nearTicket, answer, ttlMs)
      await far.fill(key, ticket, answer, ttlMs)
    },
    tell: (changes) => far.tell(changes),
    async vouch(reached) {
      for (const source of reached.keys()) known.add(source)
      if (hearing) await near.vouch(reached)
      return await far.vouch(reached)
    },
    forget: (sources) => far.forget(sources),
    async close() {
      await far.close()
      await near.close()
    },
  }
}

const bothOf = (far: Ticket, near: Ticket | null = far): Both => ({ ...far, near })
