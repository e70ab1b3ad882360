// Answers kept in Redis, for all processes. One database of a Redis serves one shop. Nothing here
// relies on Redis remembering: it may be emptied, restarted empty or with what it had a while ago,
// and evict what it likes. Not for a Redis Cluster: a step here touches several keys.
import { randomUUID } from 'node:crypto'
import { type Heard, hasSeen, KNOWN_FOR_MS, nameOf, type SharedCache } from '#storage/cache.ts'
import { connect } from './connection.ts'

export type RedisCacheOptions = {
  readonly url: string
  /** Of the program: another one's answers may have another shape. */
  readonly edition: string
  readonly timeoutMs?: number
  readonly knownForMs?: number
  /** One line for the operator. */
  readonly tell?: (line: string) => void
}

const TIMEOUT_MS = 100
const PREFIX = 'daybook:'
/** An answer whose time is over is kept for so long: better than none while nobody can be asked. */
const KEPT_AFTER_MS = 3_600_000
/** Between a ticket and its fill; a fill makes it longer. */
const NAME_LIVES_MS = 60_000

export async function openCache(options: RedisCacheOptions): Promise<SharedCache> {
  const { url, edition, timeoutMs = TIMEOUT_MS, tell = () => {} } = options
  const { knownForMs = KNOWN_FOR_MS } = options
  const listeners = new Set<(heard: Heard) => void>()
  let state: 'hearing' | 'deaf' = 'deaf'
  const hear = (heard: Heard) => {
    for (const listener of listeners) listener(heard)
  }
  // What is published reaches all databases of a server.
  const channel = `${PREFIX}told${new URL(url).pathname}`
  const { run, close } = await connect({
    url,
    channel,
    timeoutMs,
    tell,
    onMessage: (text) => heardIn(text).forEach(hear),
    onConnected: (connected) => {
      state = connected ? 'hearing' : 'deaf'
      hear({ kind: state })
    },
  })

  return {
    async get(key, sources) {
      const keys = [PREFIX + key, PREFIX + nameOf(key), ...sources.map(toldKey)]
      const reply = await run('keptGet', keys, [randomUUID(), edition, NAME_LIVES_MS])
      return foundIn(reply as GetReply)
    },
    async fill(key, ticket, { value, position, reached, ageMs = 0 }, ttlMs) {
      if (!hasSeen(ticket, reached)) return
      const keys = [PREFIX + key, PREFIX + nameOf(key)]
      const age = Math.round(ageMs)
      await run('keptFill', keys, [ticket.marks, value, position, age, ttlMs, KEPT_AFTER_MS])
    },
    async tell(changes) {
      // Sent one behind the other, answered together: the connection keeps the order.
      await Promise.all(
        changes.map(({ source, from, to, names }) =>
          run(
            'keptTell',
            [toldKey(source), ...names.map((name) => PREFIX + name)],
            [randomUUID(), from, to, knownForMs, channel, source, names.join('\n')],
          ),
        ),
      )
    },
    async vouch(reached) {
      if (reached.size === 0) return new Map()
      const sources = [...reached.keys()]
      const pairs = [...reached].flatMap(([source, position]) => [position, source])
      const values = [randomUUID(), knownForMs, channel, ...pairs]
      const positions = (await run('keptVouch', sources.map(toldKey), values)) as number[]
      return new Map(sources.map((source, at) => [source, positions[at]!]))
    },
    async forget(sources) {
      if (sources.length === 0) return
      await run('keptForget', sources.map(toldKey), [channel, sources.join('\n')])
    },
    onHeard(listener) {
      listeners.add(listener)
      listener({ kind: state })
    },
    close,
  }
}

const toldKey = (source: string) => `${PREFIX}told:${source}`

type GetReply = readonly [
  marks: string | null,
  told: readonly number[],
  fresh?: number,
  value?: string,
  position?: number,
  ageMs?: number,
  restMs?: number,
]

function foundIn([marks, told, fresh, value, position = 0, ageMs = 0, restMs = 0]: GetReply) {
  return {
    kept: value === undefined ? null : { value, position, ageMs, restMs },
    fresh: fresh === 1,
    ticket: marks === null ? null : { marks, told },
  }
}

/** What other processes hear: a gap is heard as one, whatever they think of it themselves. */
function heardIn(text: string): readonly Heard[] {
  const [kind, ...rest] = text.split('\n')
  if (kind === 'forgotten') return [{ kind, sources: rest }]
  const [source = '', from, to, ...names] = rest
  const change = {
    source,
    from: Number(from),
    to: Number(to),
    names: names.filter((name) => name !== ''),
  }
  const told = { kind: 'told', change } as const
  return kind === 'gap' ? [{ kind: 'forgotten', sources: [source] }, told] : [told]
}
