// What the figures were measured on; without it they say nothing.
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { DatabaseSync } from 'node:sqlite'

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memory_gb: number
  readonly system: string
  readonly node: string
  readonly sqlite: string
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
  }
}

export const machineLine = ({ cpu, cores, memory_gb, system, node, sqlite }: Machine): string =>
  `${cpu}, ${cores} cores, ${memory_gb} GB, ${system}, Node ${node}, SQLite ${sqlite}`
