// A provider's book that many processes share, in the schema `simulator`. Nothing is locked between
// reading and writing: an entry's number in its account is unique, so of two processes that judged
// the same account only one records, and the other judges again.
import type { BookName, Kept, ProviderBook } from '#providers/book.ts'
import { type Connections, connect, type Run } from '#storage/postgres/connections.ts'
import { type Migration, migrate } from '#storage/postgres/migrate.ts'

type Row = {
  readonly operation_id: string
  readonly asked: number
  readonly number: number | null
  readonly entry: string | null
}

export async function openBook<Entry>(
  { url }: { readonly url: string },
  book: BookName,
): Promise<ProviderBook<Entry>> {
  const { read, write, close } = await opened(url)

  /** What is known of an operation, and what its account holds. */
  const look = async (operationId: string, account: string) => {
    const rows = await read<Row>(LOOK, [book, operationId, account])
    const known = rows.find(({ operation_id }) => operation_id === operationId)
    const held = rows.filter(({ number }) => number !== null)
    return { asked: known?.asked ?? 0, entry: known?.entry ?? null, held: held.map(entryOf<Entry>) }
  }

  return {
    async carryOut({ operation_id, account }, judge, onTheWay) {
      let seen = await look(operation_id, account)
      const { asked } = seen
      if (onTheWay !== undefined) {
        await onTheWay()
        seen = await look(operation_id, account)
      }
      for (;;) {
        if (seen.entry !== null) return JSON.parse(seen.entry)
        if (seen.asked !== asked) return null
        const entry = judge(seen.held)
        const numbered = [account, seen.held.length, JSON.stringify(entry)]
        if (await isFirst(write, [book, operation_id, asked, ...numbered])) return entry
        seen = await look(operation_id, account)
      }
    },
    async find(operationId) {
      const asked = await write(ASK, [book, operationId])
      if (asked.length > 0) return null
      // An entry is never taken back: if there was no need to ask, it is here.
      const [found] = await read<Row>(FIND, [book, operationId])
      return found === undefined ? null : entryOf<Entry>(found)
    },
    async entries(account) {
      const rows = account === undefined ? read<Row>(ALL, [book]) : read<Row>(HOLD, [book, account])
      return (await rows).map(entryOf<Entry>)
    },
    async page(after, limit) {
      const rows = await read<Kept<Entry> & { entry: string }>(PAGE, [book, after, limit])
      return rows.map((row) => ({ ...row, entry: JSON.parse(row.entry) as Entry }))
    },
    async restore(operations) {
      await write(RESTORE, [
        book,
        operations.map(({ operation_id }) => operation_id),
        operations.map(({ account }) => account),
        operations.map(({ number }) => number),
        operations.map(({ entry }) => JSON.stringify(entry)),
      ])
    },
    close,
  }
}

const entryOf = <Entry>({ entry }: Row): Entry => JSON.parse(entry ?? 'null')

async function opened(url: string): Promise<Connections> {
  const connections = connect(url)
  try {
    await migrate(connections, 'simulator', MIGRATIONS)
    return connections
  } catch (error) {
    await connections.close()
    throw error
  }
}

/** False when another entry has the operation or the number, or when somebody asked meanwhile. */
async function isFirst(write: Run, values: readonly (string | number)[]): Promise<boolean> {
  try {
    return (await write(PUT, values)).length > 0
  } catch (error) {
    if ((error as { code?: string }).code === UNIQUE_VIOLATION) return false
    throw error
  }
}
const UNIQUE_VIOLATION = '23505'

const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    name: 'operations',
    // An operation that was only asked for has a row without an entry.
    sql: `CREATE TABLE simulator.operations (
      book text NOT NULL COLLATE "C", operation_id text NOT NULL COLLATE "C",
      asked int NOT NULL, -- how often somebody was told that it is not there
      account text COLLATE "C", number int, entry json,
      PRIMARY KEY (book, operation_id), UNIQUE (book, account, number))`,
  },
]

const COLUMNS = 'operation_id, asked, number, entry'
const LOOK = {
  name: 'simulator_look',
  text: `SELECT ${COLUMNS} FROM simulator.operations WHERE book = $1 AND operation_id = $2
      AND account IS DISTINCT FROM $3
    UNION ALL
    (SELECT ${COLUMNS} FROM simulator.operations WHERE book = $1 AND account = $3 ORDER BY number)`,
}
const PUT = {
  name: 'simulator_put',
  text: `INSERT INTO simulator.operations AS o (book, operation_id, asked, account, number, entry)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (book, operation_id) DO UPDATE
    SET account = excluded.account, number = excluded.number, entry = excluded.entry
    WHERE o.entry IS NULL AND o.asked = excluded.asked RETURNING 1`,
}
const ASK = {
  name: 'simulator_ask',
  text: `INSERT INTO simulator.operations AS o (book, operation_id, asked) VALUES ($1, $2, 1)
    ON CONFLICT (book, operation_id) DO UPDATE SET asked = o.asked + 1
    WHERE o.entry IS NULL RETURNING 1`,
}
const FIND = {
  name: 'simulator_find',
  text: `SELECT ${COLUMNS} FROM simulator.operations WHERE book = $1 AND operation_id = $2`,
}
const PAGE = {
  name: 'simulator_page',
  text: `SELECT operation_id, account, number, entry FROM simulator.operations
    WHERE book = $1 AND operation_id > $2 AND account IS NOT NULL ORDER BY operation_id LIMIT $3`,
}
const RESTORE = {
  name: 'simulator_restore',
  text: `INSERT INTO simulator.operations (book, operation_id, asked, account, number, entry)
    SELECT $1, i, 0, a, n, e::json
    FROM unnest($2::text[], $3::text[], $4::int[], $5::text[]) u(i, a, n, e)
    ON CONFLICT DO NOTHING`,
}
const HOLD = {
  name: 'simulator_hold',
  text: `SELECT ${COLUMNS} FROM simulator.operations WHERE book = $1 AND account = $2
    ORDER BY number`,
}
const ALL = {
  name: 'simulator_all',
  text: `SELECT ${COLUMNS} FROM simulator.operations WHERE book = $1 AND account IS NOT NULL
    ORDER BY account, number`,
}
