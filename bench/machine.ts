// What the figures were measured on; without it they say nothing.
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { DatabaseSync } from 'node:sqlite'

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memory_gb: number
  readonly system: string
  readonly node: string
  readonly sqlite: string
  /** Absent: the run did not ask for it. */
  readonly postgres?: string
  /** Processes that wanted a core in the minute before: above 0.5 the machine was not quiet. */
  readonly load_before: number
}

export function thisMachine(): Machine {
  const db = new DatabaseSync(':memory:')
  const found = db.prepare('SELECT sqlite_version() AS version').get()
  db.close()
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    sqlite: String(found?.version),
    load_before: Math.round(100 * loadavg()[0]!) / 100,
  }
}

export const machineLine = (machine: Machine): string => {
  const { cpu, cores, memory_gb, system, node, sqlite, postgres, load_before } = machine
  const hardware = [cpu, `${cores} cores`, `${memory_gb} GB`, system]
  const programs = [
    `Node ${node}`,
    `SQLite ${sqlite}`,
    ...(postgres === undefined ? [] : [postgres]),
  ]
  return [...hardware, ...programs, `load before the run ${load_before}`].join(', ')
}
