// Imports and exports in this process: those of the role saga run them, those of the role admin
// offer them.
import { shopSettings } from '#app/config.ts'
import type { Roles } from '#app/roles.ts'
import type { Config } from '#app/settings.ts'
import { isShared } from '#app/sharing.ts'
import { openJobs, openLeases, placesOf } from '#app/stores.ts'
import type { Context } from '#kernel/context.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Send } from '#kernel/waiting.ts'
import type { JobOperations } from '#runtime/job-operations.ts'
import type { PersonalData } from '#runtime/personal.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { jobOperations } from './job-operations.ts'
import { jobRunner } from './job-runner.ts'
import { rehearsal } from './rehearsal.ts'

export type JobsParts = {
  readonly config: Config
  readonly roles: Roles
  readonly contexts: readonly Context[]
  readonly types: EventTypes
  readonly personal: PersonalData
  readonly log: EventLog
  /** Rows to be exported; null in a process that runs nothing. */
  readonly reads: ReadModels | null
  readonly send: Send
  readonly now: () => string
  readonly tell: (line: string) => void
  /** Nothing is run by itself. */
  readonly passive: boolean
  readonly opening: AsyncDisposableStack
}

/** null: this process has neither role. */
export async function openJobsHere(parts: JobsParts): Promise<JobOperations | null> {
  const { config, roles, contexts, types, personal, log, reads, now, tell, opening } = parts
  const runs = roles.has('saga') && reads !== null && !parts.passive
  if (!runs && !roles.has('admin')) return null
  const places = placesOf(config)
  const book = await openJobs(places.jobs)
  opening.defer(() => book.close())
  let wake = () => {}
  if (runs) {
    const leases = isShared(config) ? await openLeases(places.log) : null
    opening.defer(async () => leases?.close())
    const runner = jobRunner({
      blinder: personal.blinder,
      ...{ book, log, reads, leases, now, tell, send: parts.send, keepMs: config['jobs.keep'] },
      rehearsal: () =>
        rehearsal({
          ...{ log, types, personal, now, settings: shopSettings(config) },
          aggregates: contexts.flatMap(({ aggregates }) => aggregates),
          commands: contexts.flatMap(({ commands }) => commands),
        }),
    })
    opening.defer(() => runner.stop())
    runner.start()
    wake = runner.wake
  }
  return roles.has('admin')
    ? jobOperations({ book, bytesMax: config['jobs.upload_max_bytes'], now, wake })
    : null
}
