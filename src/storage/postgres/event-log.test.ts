// What the contract cannot ask of every engine: held locks, connections that die, plans, round
// trips, numbers beyond 32 bits.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { EventLog } from '#storage/event-log.ts'
import { onPostgres, type TestDatabase } from '#testing/postgres-server.ts'
import { append, asCommand, noted, write } from '#testing/sample-appends.ts'
import { connect } from './connections.ts'
import { openEventLog } from './event-log.ts'
import { logListener } from './log-listener.ts'
import { problemOf } from './server-check.ts'

it('refuses a server that is too old, not UTF-8, or would lose what it acknowledged', () => {
  const session = { synchronous_commit: 'on', lock_timeout: '5s', timezone: 'UTC' }
  const server = { version: 150_018, encoding: 'UTF8', fsync: 'on', full_page_writes: 'on' }
  const good = { ...server, ...session }
  equal(problemOf(good), null)
  match(problemOf({ ...good, version: 140_002 })!, /PostgreSQL 14 is too old; 15 or newer/)
  match(problemOf({ ...good, encoding: 'SQL_ASCII' })!, /SQL_ASCII/)
  match(problemOf({ ...good, fsync: 'off' })!, /fsync off and would lose/)
  match(problemOf({ ...good, full_page_writes: 'off' })!, /full_page_writes off/)
  equal(problemOf({ ...good, synchronous_commit: 'remote_apply' }), null)
  for (const lost of [
    { synchronous_commit: 'off' },
    { lock_timeout: '0' },
    { timezone: 'Asia/Kathmandu' },
  ])
    match(problemOf({ ...good, ...lost })!, /is not what was asked for: a pooler/)
})

await onPostgres('sessions on PostgreSQL', (fresh) => {
  it('refuses sessions without what they were to have, as a pooler would give it', async () => {
    const database = await fresh()
    const url = new URL(database.url)
    url.searchParams.set('options', '-c timezone=UTC')
    await rejects(openEventLog({ url: url.href }), /lock_timeout 0, which is not what was asked/)
    await database.remove()
  })
})

await onPostgres('event log on PostgreSQL', (fresh) => {
  let database: TestDatabase
  let log: EventLog
  /** The same, for who waits until it gives up. */
  let hasty: EventLog
  let admin: pg.Client

  beforeEach(async () => {
    database = await fresh()
    const open = async (beginWithinMs: number) =>
      await openEventLog({
        url: database.url,
        patience: { beginWithinMs, settleWithinMs: 60_000 },
      })
    log = await open(30_000)
    hasty = await open(3_000)
    admin = new pg.Client(database.url)
    admin.on('error', () => {})
    await admin.connect()
  })
  afterEach(async () => {
    await admin.end().catch(() => {})
    await log.close()
    await hasty.close()
    await database.remove()
  })

  it('waits while somebody holds the counter, and says who is to blame when it is for too long', async () => {
    await log.append(append('note-1'))
    await admin.query('BEGIN; SELECT * FROM event_store.head FOR UPDATE')
    const waiting = log.append(append('note-1', 1))
    await sleep(300)
    await admin.query('COMMIT')
    equal((await waiting).ok, true)
    // Shorter than the statement may take, so that the test is: nothing was written, nothing hangs.
    await admin.query('BEGIN; SELECT * FROM event_store.head FOR UPDATE')
    const held = hasty.append(append('note-1', 2))
    await rejects(held, { name: 'Unavailable', message: /others hold the log's counter/ })
    await admin.query('COMMIT')
    equal((await log.append(append('note-1', 2))).ok, true)
  })

  it('is not stopped for long by a writer of its own that stalls in a transaction', async () => {
    const { rows } = await admin.query('SHOW idle_in_transaction_session_timeout')
    equal(rows[0].idle_in_transaction_session_timeout, '0', 'only our sessions are limited')
    const stalled = new pg.Client({
      connectionString: database.url,
      options: '-c idle_in_transaction_session_timeout=300ms',
    })
    stalled.on('error', () => {})
    await stalled.connect()
    await stalled.query('BEGIN; SELECT * FROM event_store.head FOR UPDATE')
    equal((await log.append(append('note-1'))).ok, true)
    const settings = await ownSetting('idle_in_transaction_session_timeout')
    ok(settings > 0 && settings <= 10_000, `${settings} ms`)
    ok((await ownSetting('lock_timeout')) <= 5_000)
  })

  /** Milliseconds, as the log's own sessions have it. */
  async function ownSetting(name: string): Promise<number> {
    const own = connect(database.url)
    const [row] = await own.read<{ value: string; unit: string }>(
      { name: '', text: 'SELECT setting AS value FROM pg_settings WHERE name = $1' },
      [name],
    )
    await own.close()
    return Number(row!.value)
  }

  it('loses and doubles nothing while its connections are killed, again and again', async () => {
    let going = true
    let killed = 0
    let answered = 0
    const killer = (async () => {
      while (going) {
        const { rowCount } = await admin.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE application_name = 'daybook' AND datname = current_database()
             AND state = 'active' AND query LIKE '%event_store.append%'`,
        )
        killed += rowCount ?? 0
        // However slow the machine is: somebody is answered between two kills.
        const before = answered
        while (going && answered < before + 4) await sleep(5)
      }
    })()
    let wrong = 0
    let count = 0
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; i < 60 || killed === 0; i++) {
          count++
          const command = writer % 2 === 0 ? { command: asCommand(`c-${writer}-${i}`) } : {}
          // 'any' and no command: nothing but the engine keeps this from being written twice.
          const request = append(`note-${writer}`, writer % 4 === 1 ? 'any' : i === 0 ? 'none' : i)
          const verdict = await log.append({ ...request, ...command })
          answered++
          if (!verdict.ok || verdict.versions[0] !== i + 1) wrong++
        }
      }),
    )
    going = false
    await killer
    equal(wrong, 0)
    const events = await log.readAll(0, count + 1)
    deepEqual(
      events.map(({ position }) => position),
      Array.from({ length: count }, (_, i) => i + 1),
    )
    equal(new Set(events.map(({ event_id }) => event_id)).size, count)
  })

  it('finds out what became of appends whose answers were lost on the way', async (t) => {
    let lost = 0
    const { query } = pg.Client.prototype
    t.mock.method(pg.Client.prototype, 'query', async function (this: pg.Client, asked: unknown) {
      const result = await Reflect.apply(query, this, [asked])
      const isAppend = (asked as { name?: string }).name === 'log_append'
      if (!isAppend || lost++ % 2 === 1) return result
      // Done, but its client will never hear of it.
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    })
    const stamped = { ...append('note-1', 'any', 2), command: asCommand('c-1') }
    const plain = append('note-2', 'any', 3)
    const several = { writes: [write('note-1', 'exists', 0), write('note-3', 'none', 2)] }
    const verdicts = []
    for (const one of [stamped, plain, several]) {
      verdicts.push(await log.append(one))
      lost = 0
    }
    deepEqual(
      verdicts.map((one) => one.ok && [one.first, one.position, one.versions.at(-1)]),
      [
        [1, 2, 2],
        [3, 5, 3],
        [6, 7, 2],
      ],
    )
    equal((await log.head()).position, 7)
    // Refused, then lost: judged anew, with the same refusal.
    const refused = await log.append(append('note-2', 'none'))
    equal(!refused.ok && refused.reason, 'conflict')
  })

  it('goes on waking readers after its listening connection was killed alone', async () => {
    const other = await openEventLog({ url: database.url })
    const heard: number[] = []
    log.onAppended((position) => heard.push(position))
    const until = async (position: number) => {
      for (let i = 0; i < 3_000 && (heard.at(-1) ?? 0) < position; i++) await sleep(10)
      equal(heard.at(-1), position)
    }
    await sleep(100)
    await other.append(append('note-1'))
    await until(1)
    await endListening()
    // Told while nobody listens: heard when the connection is open again.
    await other.append(append('note-1'))
    await until(2)
    await other.append(append('note-1'))
    await until(3)
    await other.close()
  })

  it('opens its listening connection again also when that dies while it is opened', async () => {
    const connections = connect(database.url)
    const ended = Promise.withResolvers<void>()
    const reserve = async () => {
      const session = await connections.reserve()
      session.once('end', ended.resolve)
      return session
    }
    let heads = 0
    const listener = logListener({ ...connections, reserve }, async () => {
      heads++
      if (heads === 1) await endListening()
      await ended.promise
      return { position: heads }
    })
    const heard: number[] = []
    listener.onAppended((position) => heard.push(position))
    for (let i = 0; i < 6_000 && heard.length < 2; i++) await sleep(10)
    deepEqual(heard, [1, 2])
    await listener.close()
    await connections.close()
  })

  it('ends each connection that may not listen, and opens another', async () => {
    const connections = connect(database.url)
    let [opened, ended] = [0, 0]
    const reserve = async () => {
      const session = await connections.reserve()
      session.once('end', () => ended++)
      // As a standby answers.
      if (++opened <= 3)
        session.query = () => Promise.reject(new Error('cannot execute LISTEN during recovery'))
      return session
    }
    const listener = logListener({ ...connections, reserve }, async () => ({ position: 1 }))
    listener.onAppended(() => {})
    for (let i = 0; i < 6_000 && (opened < 4 || ended < 3); i++) await sleep(10)
    await listener.close()
    deepEqual([opened, ended], [4, 4])
    await connections.close()
  })

  const endListening = async () => {
    const { rowCount } = await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE query LIKE 'LISTEN%' AND datname = current_database()`,
    )
    equal(rowCount, 1)
  }

  it('counts beyond 32 bits: positions and versions (traps 1.15)', async () => {
    await log.append(append('note-1'))
    const far = 3_000_000_000
    await admin.query('UPDATE event_store.head SET position = $1', [far])
    await admin.query(
      `INSERT INTO event_store.log SELECT $1::bigint, gen_random_uuid(), 'note-9', $1::bigint,
         event_type, event_version, data, metadata, NULL, timestamp FROM event_store.log`,
      [far],
    )
    const verdict = await log.append({
      writes: [write('note-9', far), write('note-2', 'none')],
      command: asCommand('c-1'),
    })
    deepEqual(verdict.ok && [verdict.position, verdict.versions], [far + 2, [far + 1, 1]])
    const [event] = await log.readAll(far, 1)
    deepEqual([event?.position, event?.version], [far + 1, far + 1])
    equal((await log.commandRecord('c-1'))?.version, far + 1)
    equal((await log.head()).position, far + 2)
    const [loaded] = await log.load([{ stream: 'note-9', after: far }])
    equal(loaded?.events[0]?.version, far + 1)
    await log.saveSnapshots([{ stream: 'note-9', version: far, state_version: 1, state: 1 }])
    const [from] = await log.load([{ stream: 'note-9', after: 0, stateVersion: 1 }])
    deepEqual([from?.snapshot?.version, from?.events.length], [far, 1])
    const conflict = await log.append(append('note-9', far))
    deepEqual(!conflict.ok && conflict.reason === 'conflict' && conflict.actual, far + 1)
  })

  it('judges the members of a batch one by one when the server refuses it as a whole', async () => {
    const bad = append('note-bad', 'any', [noted({}, { event_version: 3_000_000_000 })])
    const asked = [append('note-1'), bad, append('note-2')].map((one) => log.append(one))
    const [first, refused, second] = await Promise.allSettled(asked)
    equal(first?.status === 'fulfilled' && first.value.ok, true)
    equal(second?.status === 'fulfilled' && second.value.ok, true)
    match(refused?.status === 'rejected' ? String(refused.reason) : '', /refused the append/)
    equal((await log.head()).position, 2)
  })

  it('is away, not broken, while the server takes no writes, and goes on when one does', async () => {
    await log.append(append('note-1'))
    const name = new URL(database.url).pathname.slice(1)
    // What a former primary does after a switch-over; a connection opened later finds the new one.
    await admin.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    const said = { name: 'Unavailable', message: /takes no writes/ }
    const asked = [append('note-1', 1), append('note-2')]
    await Promise.all(asked.map((one) => rejects(hasty.append(one), said)))
    const waiting = log.append(append('note-1', 1))
    await sleep(200)
    await admin.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`)
    equal((await waiting).ok, true)
    equal((await log.head()).position, 2)
  })

  it('says that the disk is full, has stored nothing then, and goes on when there is room', async () => {
    await log.append(append('note-1'))
    await admin.query(
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
       CREATE TRIGGER full_disk BEFORE INSERT ON event_store.log EXECUTE FUNCTION full_disk()`,
    )
    const asked = [append('note-1', 1), append('note-2')]
    await Promise.all(asked.map((one) => rejects(log.append(one), { name: 'StorageFull' })))
    equal((await log.readAll(0, 10)).length, 1)
    await admin.query('DROP FUNCTION full_disk() CASCADE')
    equal((await log.append(append('note-1', 1))).ok, true)
  })

  it('keeps events as they are, whoever has the right to write', async () => {
    await log.append(append('note-1'))
    for (const change of ['UPDATE event_store.log SET version = 7', 'DELETE FROM event_store.log'])
      await rejects(admin.query(change), /never changed or deleted/)
    await rejects(admin.query('TRUNCATE event_store.log'), /never changed or deleted/)
  })

  it('shows analysts the events under the names they know', async () => {
    const data = { product_id: 'P-1', quantity: 2 }
    await log.append(append('stock_item-S1-P-1', 'none', [noted(data)]))
    const { rows } = await admin.query(
      `SELECT aggregate_type, aggregate_id, event_data->>'product_id' AS product, sequence_number,
         stream_version, created_at = occurred_at AS same FROM event_store.events`,
    )
    deepEqual(rows, [
      {
        aggregate_type: 'stock_item',
        aggregate_id: 'S1-P-1',
        product: 'P-1',
        sequence_number: '1',
        stream_version: '1',
        same: true,
      },
    ])
  })

  it('reads no table through, however the log has grown (traps 1.3)', async () => {
    await fill()
    await admin.query('ANALYZE')
    await ended()
    const before = await scans()
    log = await openEventLog({ url: database.url })
    await everything(log)
    await ended()
    deepEqual(await scans(), before)
  })

  it('asks the server once per append, load and read', async (t) => {
    const { query } = pg.Client.prototype
    let asked = 0
    let hasTold = false
    t.mock.method(pg.Client.prototype, 'query', function (this: pg.Client, ...args: unknown[]) {
      asked++
      hasTold ||= (args[0] as { name?: string }).name === 'log_tell'
      return Reflect.apply(query, this, args)
    })
    const trips = async (work: () => Promise<unknown>) => {
      asked = 0
      await work()
      return asked
    }
    const many = Array.from({ length: 40 }, (_, i) => write(`line-${i}`, 'none'))
    const claims = [{ scope: 'code', value: 'P-1', owner: 'line-0' }]
    const whole = { writes: many, claims, command: asCommand('c-1') }
    // Telling other processes is not waited for.
    ok((await trips(() => log.append(whole))) <= 2)
    while (!hasTold) await sleep(5)
    equal(await trips(() => log.load(many.map(({ stream }) => ({ stream, after: 0 })))), 1)
    equal(await trips(() => log.readAll(0, 1_000)), 1)
    equal(await trips(() => log.commandRecord('c-1')), 1)
    equal(await trips(() => log.positionAt(new Date().toISOString())), 1)
  })

  async function fill(): Promise<void> {
    for (let page = 0; page < 10; page++) {
      await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          log.append({
            writes: [write(`note-${page}-${i}`, 'none', 3)],
            claims: [{ scope: 'code', value: `${page}-${i}`, owner: 'note-1' }],
            command: asCommand(`c-${page}-${i}`),
          }),
        ),
      )
      await log.saveSnapshots(
        Array.from({ length: 200 }, (_, i) => ({
          stream: `note-${page}-${i}`,
          version: 1,
          state_version: 1,
          state: {},
        })),
      )
    }
  }
  /** What a session counted is there for certain when it has ended, and up to 10 s late before. */
  async function ended(): Promise<void> {
    await log.close()
    await hasty.close()
    const others = `SELECT FROM pg_stat_activity WHERE datname = current_database()
      AND backend_type = 'client backend' AND pid <> pg_backend_pid()`
    while ((await admin.query(others)).rows.length > 0) await sleep(10)
  }
  async function scans(): Promise<unknown> {
    const { rows } = await admin.query(
      `SELECT relname, seq_scan FROM pg_stat_user_tables
       WHERE schemaname = 'event_store' AND relname IN ('log', 'commands', 'claims', 'snapshots')
       ORDER BY 1`,
    )
    equal(rows.length, 4)
    return rows
  }
})

/** What a shop does all day. */
async function everything(log: EventLog): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const stream = `note-0-${i}`
    await log.append({
      writes: [write(stream, 3), write(`other-${i}`, 'any')],
      claims: [{ scope: 'code', value: `0-${i}`, owner: 'note-1' }],
      releases: [{ scope: 'code', value: `1-${i}`, owner: 'note-1' }],
      command: asCommand(`new-${i}`),
    })
    await log.append({ ...append(stream), command: asCommand(`c-0-${i}`) })
    await log.saveSnapshots([{ stream, version: 2, state_version: 1, state: {} }])
    await log.load([
      { stream, after: 0, stateVersion: 1 },
      { stream: `note-1-${i}`, after: 1 },
    ])
  }
  await log.readAll(100, 50)
  await log.readStream('note-3-3')
  await log.readStreams('note-3-', 10)
  await log.head()
  await log.positionAt('2026-01-01T00:00:00.000Z')
  await log.commandRecord('c-3-3')
  await log.commandRecords('c-3', 10)
  await log.claims({ scope: 'code', value: '3' }, 10)
}
