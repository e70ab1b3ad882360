// Feeds the bus from the log: reads on from its place, publishes, moves on. A crash repeats, never loses.
import type { MessageBus } from '#messaging/message-bus.ts'
import type { EventLog } from '#storage/event-log.ts'

const PAGE = 500
const POLL_MS = 100

export type Relay = { start(): Promise<void>; wake(): void; stop(): Promise<void> }

/** Starts at the log's end of now: an in-process bus has listeners only for what comes. */
export function relay(log: EventLog, bus: MessageBus, onError: (error: unknown) => void): Relay {
  let position = 0
  let going: Promise<void> | null = null
  let again = false
  let timer: NodeJS.Timeout | undefined
  let running = false

  const publish = async () => {
    for (;;) {
      const events = await log.readAll(position, PAGE)
      const last = events.at(-1)
      if (last === undefined) return
      await bus.publish(events)
      position = last.position
    }
  }
  const wake = () => {
    if (!running) return
    if (going !== null) {
      again = true
      return
    }
    again = false
    going = publish()
      .catch(onError)
      .finally(() => {
        going = null
        if (again) wake()
      })
  }
  return {
    async start() {
      position = (await log.head()).position
      running = true
      timer = setInterval(wake, POLL_MS)
    },
    wake,
    async stop() {
      running = false
      clearInterval(timer)
      await going
    },
  }
}
