// Faults to plant: for each promise at least one way to break it, and which check has to notice. A
// torture that does not see them would prove nothing.
import type { Change } from '#testing/broken-module.ts'

export type Break = {
  readonly name: string
  /** Beginning of the check that has to say so. */
  readonly promise: string
  readonly changes: readonly Change[]
  /** Where it shows; SQLite in one process where nothing is said. */
  readonly store?: 'postgres'
  readonly many?: true
}

const change = (file: string, find: string, put: string): Change => ({ file, find, put })

export const BREAKS: readonly Break[] = [
  {
    name: 'acknowledged before it is on the disk',
    promise: 'P1',
    changes: [
      change(
        'storage/sqlite/log-writer.ts',
        'writer.sql.begin.run()',
        'if (!writer.db.isTransaction) writer.sql.begin.run()',
      ),
      change(
        'storage/sqlite/log-writer.ts',
        'writer.sql.commit.run()',
        'if (Math.random() < 0.1) writer.sql.commit.run()',
      ),
    ],
  },
  {
    name: 'a large append leaves one of its streams out',
    promise: 'P2',
    changes: [
      change(
        'storage/sqlite/log-writer.ts',
        'of append.writes) {',
        'of append.writes.filter(([name], _, all) => all.length < 5 || !/^stock-/.test(name))) {',
      ),
    ],
  },
  {
    name: 'more is promised than there is',
    promise: 'P3',
    changes: [
      change(
        'contexts/inventory/stock.ts',
        'state.quantity + state.backorder_limit - state.reserved',
        'state.quantity + 999 - state.reserved',
      ),
    ],
  },
  {
    name: 'expected versions are not compared',
    promise: 'P3',
    store: 'postgres',
    many: true,
    changes: [
      change(
        'storage/postgres/log-schema.ts',
        'WHERE d.x <> coalesce(l.version, 0) OR',
        'WHERE false AND d.x <> coalesce(l.version, 0) OR',
      ),
    ],
  },
  {
    name: 'readers are not given every event',
    promise: 'P4',
    changes: [
      change(
        'storage/sqlite/log-reader.ts',
        'events(rising<CheckedRow>(path, all.all(after, limit), after, ({ position }) => position)),',
        'events(all.all(after, limit)).filter(({ position }) => position % 97 !== 0),',
      ),
    ],
  },
  {
    name: 'a projection leaves events out',
    promise: 'P5 read',
    changes: [
      change(
        'runtime/fold-events.ts',
        'else take(fold, found)',
        'else if (step.event.position % 23 !== 0) take(fold, found)',
      ),
    ],
  },
  {
    name: 'queries do not wait for the position they are told',
    promise: 'P5 who',
    store: 'postgres',
    many: true,
    changes: [
      change(
        'runtime/query-gateway.ts',
        'if ((await slowest(reads, names)) >= minPosition) return null',
        'if (minPosition >= 0) return null',
      ),
    ],
  },
  {
    name: 'a repeated command is carried out again',
    promise: 'P6',
    changes: [
      change(
        'runtime/gateway.ts',
        'const id = meta.command_id ?? randomUUIDv7()',
        'const id = randomUUIDv7()',
      ),
    ],
  },
  {
    name: 'a handler fails now and then',
    promise: 'P7',
    changes: [
      change(
        'runtime/fold-events.ts',
        'else take(fold, found)',
        "else if (step.event.position % 23 === 0) park(fold, step.event, keysOf(found), 'Error: no')\n" +
          '    else take(fold, found)',
      ),
    ],
  },
  {
    name: 'some that is due is never done',
    promise: 'P8 every',
    changes: [
      change(
        'runtime/run-waiting.ts',
        '!acting.has(key) && !resting.rests(key, checkpoint)',
        '!/[05]$/.test(key) && !acting.has(key) && !resting.rests(key, checkpoint)',
      ),
    ],
  },
  {
    name: 'a cancelled order keeps its stock',
    promise: 'P8 money',
    changes: [
      change('contexts/orders/compensation.ts', 'beside.push(...released.writes)', 'void beside'),
    ],
  },
  {
    name: 'a lost answer is asked for again under another name',
    promise: 'P8 money',
    changes: [
      change(
        'contexts/payments/provider-calls.ts',
        'if (isRepeated ||',
        "if (isRepeated) operation_id += ':again'\n  if (isRepeated ||",
      ),
    ],
  },
  {
    name: 'a lost connection ends the process',
    promise: 'P9',
    store: 'postgres',
    changes: [
      change(
        'storage/postgres/connections.ts',
        "pool.on('connect', (client) => client.on('error', () => {}))",
        // Our own readers are connected as well.
        "pool.on('connect', (client) => process.argv.includes('torture') && client.on('error', () => {}))",
      ),
    ],
  },
  {
    name: 'events are dated by whatever the clock says',
    promise: 'P10',
    changes: [
      change(
        'storage/sqlite/log-writer.ts',
        'return now > timestamp ? now : timestamp',
        'return now',
      ),
    ],
  },
  {
    name: 'requests may take for ever to arrive',
    promise: 'P11',
    changes: [
      change(
        'edges/http/server.ts',
        'connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS',
        'connectionsCheckingInterval: 2 ** 31 - 1',
      ),
    ],
  },
  {
    name: 'bad input is a mistake of ours',
    promise: 'P9',
    changes: [
      change(
        'edges/http/problem.ts',
        'malformed_request: { status: 400,',
        'malformed_request: { status: 500,',
      ),
    ],
  },
  {
    name: 'seals are not compared',
    promise: 'P13',
    changes: [
      change(
        'runtime/verify-log.ts',
        'sealed.differ(String(position), { why }, null),',
        'void [position, why],',
      ),
    ],
  },
  {
    name: 'old names of fields are forgotten',
    promise: 'P14',
    changes: [
      change(
        'edges/http/codec-in.ts',
        "[wireName(name, property), ...(notesOf(property)['x-aliases'] ?? [])]",
        '[wireName(name, property)]',
      ),
    ],
  },
  {
    name: 'a receipt is left out now and then',
    promise: 'P16',
    changes: [
      change(
        'contexts/sales/sale-number.ts',
        'const number = last + 1',
        'const number = last % 5 === 4 ? last + 2 : last + 1',
      ),
    ],
  },
  {
    name: 'anybody may owe any amount',
    promise: 'P16',
    changes: [
      change(
        'contexts/customers/balance.ts',
        'after <= credit_limit_minor) return null',
        'after <= credit_limit_minor * 9) return null',
      ),
    ],
  },
  {
    name: 'a drawer forgets what was put into it',
    promise: 'P16',
    changes: [
      change(
        'contexts/sales/register.ts',
        'expected_minor: session.expected_minor + amount_minor',
        'expected_minor: session.expected_minor',
      ),
    ],
  },
  {
    name: 'what was damaged on its way is on the shelf',
    promise: 'P8 money',
    changes: [
      change(
        'contexts/inventory/receive-transfer.ts',
        'quantity: received, damaged, settled }',
        'quantity: settled, damaged, settled }',
      ),
    ],
  },
  {
    name: 'a forgotten address stays in sight',
    promise: 'P17',
    changes: [
      change(
        'contexts/orders/order-views.ts',
        'shipping_address: null, notes: null, cancel_reason: null',
        'notes: null, cancel_reason: null',
      ),
    ],
  },
]
