// Tables of numbers filled by hand from a list of events, and asked as the shop asks them; for the
// tests of what they tell.
import type { Recorded } from '#kernel/message.ts'
import type { Find, Group, Projection, Row } from '#kernel/projection.ts'
import type { Query, Reader } from '#kernel/query.ts'

/** What a projection may look at; the rest of the envelope plays no part. */
export const eventOf = (
  position: number,
  event_type: string,
  data: object,
  moment: string,
  aggregate_id = 'a1',
): Recorded =>
  ({
    ...{ position, event_type, data, aggregate_id },
    ...{ occurred_at: moment, timestamp: moment, metadata: {} },
  }) as unknown as Recorded

export function folded(projection: Projection, events: readonly Recorded[]): Map<string, Row> {
  const rows = new Map<string, Row>()
  for (const event of events) {
    const handler = projection.on[event.event_type]
    if (handler === undefined) continue
    for (const key of handler.keys(event) as readonly string[]) {
      const row = handler.apply(rows.get(key), event, key)
      if (row === null) rows.delete(key)
      else if (row !== undefined) rows.set(key, row)
    }
  }
  return rows
}

/** Rows as they would be committed, from nothing to the end of the events. */
export const commitOf = (projection: Projection, events: readonly Recorded[]) => ({
  projection: projection.name,
  table: projection.table,
  from: 0,
  to: events.length,
  upserts: [...folded(projection, events).values()],
  ...{ deletes: [], park: [], unpark: [] },
})

type Tables = {
  load(table: Projection['table'], keys: readonly string[]): Promise<readonly (Row | undefined)[]>
  find(table: Projection['table'], query: Find): Promise<unknown>
  group(table: Projection['table'], query: Group): Promise<unknown>
}

/** Of the questions that read tables alone. */
export const readerOver = (tables: Tables): Reader =>
  ({
    get: async ({ table }: Projection, key: string) => (await tables.load(table, [key]))[0] ?? null,
    find: ({ table }: Projection, query: Find) => tables.find(table, query),
    group: ({ table }: Projection, query: Group) => tables.group(table, query),
  }) as unknown as Reader

/** The caller names the shape that the query's own answer has. */
export const answerOf = async <T>(query: Query, input: object, reader: Reader): Promise<T> =>
  (await query.run(input as never, reader)) as T
