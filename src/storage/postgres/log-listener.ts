// Wakes readers when something was appended, here or in another process. Only a hint: a connection
// that dies is opened again and everybody is woken then, and readers look by themselves as well.
import type { Connections, Session, Statement } from './connections.ts'

const CHANNEL = 'event_store_appended'
const TELL: Statement = { name: 'log_tell', text: `SELECT pg_notify('${CHANNEL}', $1)` }
/** Others are told at most so often. */
const TELL_EACH_MS = 5
const REOPEN_FIRST_MS = 50
const REOPEN_MAX_MS = 5_000

export type LogListener = {
  /** Something was appended here. */
  appended(position: number): void
  onAppended(wake: (position: number) => void): () => void
  close(): Promise<void>
}

export function logListener(
  connections: Connections,
  head: () => Promise<{ readonly position: number }>,
): LogListener {
  const listeners = new Set<(position: number) => void>()
  let newest = 0
  const wakeAll = (position: number) => {
    if (position <= newest) return
    newest = position
    for (const wake of listeners) wake(position)
  }
  const others = teller(connections)
  let closed = false
  let opening: Promise<void> | null = null
  let client: Session | null = null
  let timer: NodeJS.Timeout | undefined

  const open = async (): Promise<void> => {
    const reserved = await connections.reserve()
    reserved.on('notification', ({ payload }) => wakeAll(Number(payload)))
    let hasEnded = false
    reserved.once('end', () => {
      hasEnded = true
      // One that never listened is tried again after a pause.
      if (client !== reserved) return
      client = null
      keepOpen()
    })
    try {
      await reserved.query(`LISTEN ${CHANNEL}`)
    } catch (error) {
      // A standby lets in whoever asks, and nobody listens there.
      reserved.end().catch(() => {})
      throw error
    }
    if (!hasEnded) client = reserved
    if (closed) await reserved.end()
    // Whatever was told while nobody listened.
    else wakeAll((await head()).position)
  }
  const keepOpen = (pause = REOPEN_FIRST_MS) => {
    if (closed || client !== null || opening !== null || listeners.size === 0) return
    opening = open()
      .catch(() => {})
      .finally(() => {
        opening = null
        // It could not be opened, or has ended while the rest was done.
        if (closed || client !== null) return
        timer = setTimeout(() => keepOpen(Math.min(pause * 2, REOPEN_MAX_MS)), pause)
        timer.unref()
      })
  }

  return {
    appended(position) {
      wakeAll(position)
      others.tell(position)
    },
    onAppended(wake) {
      listeners.add(wake)
      keepOpen()
      return () => listeners.delete(wake)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await opening
      await client?.end()
      await others.done()
    },
  }
}

/** One notice at a time, the newest position only; a notice that is lost costs others a poll. */
function teller({ write }: Connections) {
  let newest = 0
  let told = 0
  let telling: Promise<void> | null = null

  const tellAll = async () => {
    while (newest > told) {
      told = newest
      await write(TELL, [String(told)]).catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, TELL_EACH_MS))
    }
  }
  return {
    tell(position: number) {
      newest = Math.max(newest, position)
      telling ??= tellAll().finally(() => {
        telling = null
      })
    },
    async done() {
      await telling
    },
  }
}
