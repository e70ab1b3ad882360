// Read models that live as long as the process: the SQLite engine without a file, so that a test
// and a server cannot disagree about order, filters or sums.
import type { ReadModels } from '#storage/read-models.ts'
import { openReadModels as openSqlite } from '#storage/sqlite/read-models.ts'

export const openReadModels = (): Promise<ReadModels> => openSqlite({ path: ':memory:' })
