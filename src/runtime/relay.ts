// Feeds the bus from the log: reads on from its place, publishes, moves on. A crash repeats, never
// loses.
import type { MessageBus } from '#messaging/message-bus.ts'
import type { EventLog } from '#storage/event-log.ts'

const PAGE = 500
const POLL_MS = 100

export type Relay = {
  /**
   * From the log's end of now: an in-process bus has listeners only for what comes. Again: nothing.
   */
  start(): void
  wake(): void
  stop(): Promise<void>
}

export function relay(log: EventLog, bus: MessageBus, onError: (error: unknown) => void): Relay {
  let position: number | null = null
  let going: Promise<void> | null = null
  let again = false
  let timer: NodeJS.Timeout | undefined
  let head: ReturnType<EventLog['head']> | null = null

  const publish = async (head: Promise<{ readonly position: number }>) => {
    position ??= (await head).position
    for (;;) {
      const events = await log.readAll(position, PAGE)
      const last = events.at(-1)
      if (last === undefined) return
      await bus.publish(events)
      position = last.position
    }
  }
  const wake = () => {
    if (head === null) return
    if (going !== null) {
      again = true
      return
    }
    again = false
    going = publish(head)
      .catch(onError)
      .finally(() => {
        going = null
        if (again) wake()
      })
  }
  return {
    start() {
      if (head !== null) return
      head = log.head()
      timer = setInterval(wake, POLL_MS)
      wake()
    },
    wake,
    async stop() {
      head = null
      clearInterval(timer)
      await going
    },
  }
}
