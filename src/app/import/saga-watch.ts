// Tells when the sagas of orders have ended, by looking at all that are waited for with one read.
import { setTimeout as sleep } from 'node:timers/promises'
import { type SagaRow, sagaInstances } from '#kernel/saga-instances.ts'
import { type ReadModels, TableUnready } from '#storage/read-models.ts'

export type SagaEnd =
  | { readonly completed: true }
  /** Compensated, or in need of a person. */
  | { readonly completed: false; readonly reason: string }

export type SagaWatch = {
  /** Resolves once the saga has ended, or says that it needs a person. */
  ended(sagaId: string): Promise<SagaEnd>
  /** Those that still wait are told that the watch is over. */
  close(): void
}

const LOOK_EVERY_MS = 10

export function sagaWatch(reads: Pick<ReadModels, 'load'>): SagaWatch {
  const waiting = new Map<string, Awaited>()
  let looking = false
  let closed = false

  // While its table is built anew nothing can be told yet; the sagas go on all the same.
  const rowsOf = (ids: readonly string[]) =>
    reads.load(sagaInstances.table, ids).catch((error) => {
      if (error instanceof TableUnready) return []
      throw error
    })
  const look = async () => {
    const ids = [...waiting.keys()]
    const rows = await rowsOf(ids)
    for (const [index, id] of ids.entries()) {
      const end = endOf(rows[index] as SagaRow | undefined)
      if (end === null) continue
      waiting.get(id)?.resolve(end)
      waiting.delete(id)
    }
  }
  const failAll = (error: unknown) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const run = async () => {
    if (looking) return
    looking = true
    try {
      while (waiting.size > 0 && !closed) {
        await look()
        await sleep(LOOK_EVERY_MS)
      }
    } catch (error) {
      failAll(error)
    } finally {
      looking = false
    }
  }

  return {
    ended(sagaId) {
      if (closed) return Promise.reject(new Error('the watch over sagas is over'))
      const known = waiting.get(sagaId)
      if (known !== undefined) return known.promise
      const awaited: Awaited = Promise.withResolvers<SagaEnd>()
      waiting.set(sagaId, awaited)
      void run()
      return awaited.promise
    },
    close() {
      closed = true
      failAll(new Error('the watch over sagas is over'))
    },
  }
}

type Awaited = PromiseWithResolvers<SagaEnd>

function endOf(row: SagaRow | undefined): SagaEnd | null {
  if (row === undefined) return null
  if (row.status === 'COMPLETED') return { completed: true }
  if (row.status === 'FAILED')
    return { completed: false, reason: row.reason ?? row.last_error ?? 'its saga has failed' }
  if (row.needs_attention)
    return {
      completed: false,
      reason: `needs a person: ${row.last_error ?? row.current_step_name}`,
    }
  return null
}
