// Every run of events of one command has its record, at the position of the run's last event.
import type { Recorded } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import { tally } from './tally.ts'

type Run = { readonly id: string; readonly first: number; last: number }

export function recordCheck(log: EventLog) {
  const found = tally('command records')
  let open: Run | null = null
  let ended: Run[] = []

  const compare = async (runs: readonly Run[]) => {
    const records = new Map(
      (await log.commandRecordsOf(runs.map(({ id }) => id))).map((record) => [record.id, record]),
    )
    for (const { id, first, last } of runs) {
      found.compared++
      const record = records.get(id) ?? null
      if (record?.position === last) continue
      found.differ(`${last} (command ${id})`, record, { id, position: last, first })
    }
  }

  return {
    take({ position, metadata: { command_id } }: Recorded): void {
      if (open !== null && open.id !== command_id) {
        ended.push(open)
        open = null
      }
      if (command_id === undefined) return
      open ??= { id: command_id, first: position, last: position }
      open.last = position
    },
    /** Looks up those that have ended. */
    async settle(): Promise<void> {
      const runs = ended
      ended = []
      if (runs.length > 0) await compare(runs)
    },
    async check() {
      if (open !== null) ended.push(open)
      open = null
      await this.settle()
      return found.check()
    },
  }
}
