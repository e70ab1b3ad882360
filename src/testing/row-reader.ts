// Queries asked of rows that are simply there: a real engine in memory, without a log behind it.
import type { Find, Found, Projection, Row, Value } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'
import { openReadModels } from '#storage/memory/read-models.ts'

export type RowReader = {
  /** Finds; and knows no past. */
  readonly reader: Reader
  readonly close: () => Promise<void>
}

export async function rowReader(
  tables: readonly (readonly [Projection, readonly Row[]])[],
): Promise<RowReader> {
  const models = await openReadModels()
  await models.define(tables.map(([projection]) => projection))
  const written = await models.commit(
    tables.map(([{ name, table }, upserts]) => ({
      projection: name,
      table,
      from: 0,
      to: 1,
      upserts,
      deletes: [],
      park: [],
      unpark: [],
    })),
  )
  if (!written) throw new Error('the rows were not written')
  const find = ({ table }: Projection, query: Find): Promise<Found> => models.find(table, query)
  // There is no log behind the rows.
  const past = async () => null
  return { reader: { find, past } as unknown as Reader, close: () => models.close() }
}

const EMPTY: Readonly<Record<string, Value>> = {
  text: 'x',
  int: 0,
  bool: false,
  money: 0,
  quantity: 0,
  instant: '2026-03-02T10:00:00.000Z',
  day: '2026-03-02',
  json: {},
}

/** A row with nothing in it but what is named. */
export const emptyRow = ({ table }: Projection, fields: Row): Row => ({
  ...Object.fromEntries(
    Object.entries(table.columns).map(([name, column]) => [
      name,
      typeof column === 'string' ? EMPTY[column]! : null,
    ]),
  ),
  ...fields,
})
