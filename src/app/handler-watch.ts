// Watches projections' handlers from outside their thread: one that never returns, or grows until
// the memory is spent, can only be ended with the thread. Which event it had in hand stands in
// memory that both sides see; an event that ended two threads is refused from then on, and is
// parked like any other that throws.
import type { Recorded } from '#kernel/message.ts'
import type { Handler, Projection, Row } from '#kernel/projection.ts'

/** Calls begun and ended, the handler's number, its part's, the event's position. */
export type Hand = Float64Array
export const openHand = (): Hand => new Float64Array(new SharedArrayBuffer(4 * 8))

const PARTS = ['keys', 'apply'] as const
export type Suspect = {
  /** `order_views OrderCreated`: the projection and the event's type. */
  readonly handler: string
  readonly part: (typeof PARTS)[number]
  readonly position: number
}
/** What is not handed over any more; without a position: no event of that type. */
export type Refusal = Omit<Suspect, 'position'> & {
  readonly position?: number
  readonly why: string
}

export const handlersOf = (projections: readonly Projection[]): readonly string[] =>
  projections.flatMap(({ name, on }) => Object.keys(on).map((type) => `${name} ${type}`))

/** What the handler now running has in hand; null while none runs. */
export function inHand(hand: Hand, handlers: readonly string[]): Suspect | null {
  const [turns = 0, number = 0, part = 0, position = 0] = hand
  if (turns % 2 === 0) return null
  return { handler: handlers[number]!, part: PARTS[part]!, position }
}

/** In the thread: the same projections, their handlers seen from outside, `refused` kept back. */
export function watched(
  projections: readonly Projection[],
  hand: Hand,
  refused: ReadonlySet<Refusal>,
): readonly Projection[] {
  const numbers = new Map(handlersOf(projections).map((handler, number) => [handler, number]))
  return projections.map((one) => {
    const on = Object.entries(one.on).map(([type, handler]) => {
      const name = `${one.name} ${type}`
      return [type, seen(name, handler, hand, numbers.get(name)!, refused)] as const
    })
    return { ...one, on: Object.fromEntries(on) }
  })
}

function seen(
  handler: string,
  { keys, apply }: Handler<Row>,
  hand: Hand,
  number: number,
  refused: ReadonlySet<Refusal>,
): Handler<Row> {
  const begin = (part: Suspect['part'], { position }: Recorded) => {
    for (const one of refused)
      if (one.handler === handler && one.part === part && (one.position ?? position) === position)
        throw new Error(one.why)
    hand[1] = number
    hand[2] = PARTS.indexOf(part)
    hand[3] = position
    hand[0]! += 1
  }
  const end = () => {
    hand[0]! += 1
  }
  return {
    keys(event) {
      begin('keys', event)
      try {
        return keys(event)
      } finally {
        end()
      }
    },
    apply(row, event, key, beside) {
      begin('apply', event)
      try {
        return apply(row, event, key, beside)
      } finally {
        end()
      }
    },
  }
}

const LOOKS = 10

/**
 * Tells of a call that takes longer than `limitMs`. Counted in looks, not by the clock: a machine
 * that slept is no handler's fault.
 */
export function watchHand(hand: Hand, limitMs: number, onStuck: () => void): () => void {
  let [turns, same] = [0, 0]
  const timer = setInterval(() => {
    const [now = 0] = hand
    same = now % 2 === 1 && now === turns ? same + 1 : 0
    turns = now
    if (same >= LOOKS) {
      clearInterval(timer)
      onStuck()
    }
  }, limitMs / LOOKS)
  timer.unref()
  return () => clearInterval(timer)
}

/** The first time may have been the machine's fault. */
const STRIKES_MAX = 2
/** So many events of one type: it is the handler, and each more would cost two threads. */
const EVENTS_MAX = 3

export type Strikes = {
  /** It had this in hand when the thread ended. */
  add(suspect: Suspect, why: string): void
  refused(): readonly Refusal[]
  /** An operator wants them tried again. */
  forget(projection: string): void
}

export function strikes(): Strikes {
  const counted = new Map<string, { readonly refusal: Refusal; count: number }>()
  return {
    add(suspect, why) {
      const key = `${suspect.handler} ${suspect.position}`
      const count = (counted.get(key)?.count ?? 0) + 1
      counted.set(key, { refusal: { ...suspect, why }, count })
    },
    refused() {
      const all = [...counted.values()].filter(({ count }) => count >= STRIKES_MAX)
      const events = all.map(({ refusal }) => refusal)
      const byHandler = Map.groupBy(events, ({ handler, part }) => `${handler} ${part}`)
      const whole = [...byHandler.values()].filter(({ length }) => length >= EVENTS_MAX)
      return [...events, ...whole.map(([first]) => everyEventOf(first!))]
    },
    forget(projection) {
      for (const [key, { refusal }] of counted)
        if (refusal.handler.startsWith(`${projection} `)) counted.delete(key)
    },
  }
}

const everyEventOf = ({ handler, part, why }: Refusal): Refusal => ({
  handler,
  part,
  why: `${why}; so did ${EVENTS_MAX} events of its type, no more of it are tried`,
})
