// Handlers that no exception ends: one that never returns and one that grows until the memory is
// spent, in the real projection thread, over files. This file is also what runs in that thread.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, workerData } from 'node:worker_threads'
import type { Recorded } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { levels, movements, plainFold, received, record, stockTypes } from '#testing/stock-book.ts'
import { openHand, watched, watchHand } from './handler-watch.ts'
import { type HealthParts, healthOf } from './health.ts'
import { type ProjectionHost, projectionThread } from './projection-host.ts'
import { type ProjectionWorkerData, serveProjections } from './projection-thread.ts'
import { rolesOf } from './roles.ts'
import { openKeys, openLog, openRows, type Places } from './stores.ts'

type Poison = { readonly kind: 'loops' | 'grows'; readonly part: 'keys' | 'apply'; at: number[] }

const poisoned = ({ kind, part, at }: Poison) =>
  levels((phase, { position }: Recorded) => {
    if (phase !== part || !at.includes(position)) return
    if (kind === 'loops') for (;;);
    for (const held: object[] = []; ; ) held.push({ much: held.length, more: [position] })
  })

if (isMainThread) tests()
else {
  const { poison, ...data } = workerData as ProjectionWorkerData & { readonly poison: Poison }
  serveProjections(data, { projections: [poisoned(poison), movements], types: stockTypes })
}

function tests() {
  const HANDLER_MS = 500
  const HEAP_MB = 48
  const MENDED: Poison = { kind: 'loops', part: 'apply', at: [] }
  let folder: string
  let log: EventLog
  let reads: ReadModels | undefined
  let host: ProjectionHost | undefined
  let told: string[]
  let broken: Error[]
  let places: Places

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-poison-'))
    const at = (name: string) =>
      ({ engine: 'sqlite', place: { path: join(folder, name), url: '' } }) as const
    const views = at('views.db')
    const [events, keys, simulator] = [at('log.db'), at('keys.db'), at('books.db')]
    const [outbox, jobs] = [at('outbox.db'), at('jobs.db')]
    places = { log: events, keys, simulator, outbox, jobs, views, queries: views }
    log = await openLog(places.log)
    ;[told, broken] = [[], []]
  })
  afterEach(async () => {
    await host?.close()
    await reads?.close()
    host = reads = undefined
    await log.close()
    rmSync(folder, { recursive: true })
  })

  const open = async (poison: Poison) => {
    await (await openKeys(places.keys)).close()
    const data = { places, sealEvery: 1_000, moves: 'all', poison }
    host = await projectionThread(data, {
      append: (request) => log.append(request),
      onError: (message) => told.push(message),
      onBroken: (error) => broken.push(error),
      file: new URL(import.meta.url),
      // A machine that is busy takes its time to fill the memory.
      handlerMs: poison.kind === 'grows' ? 60_000 : HANDLER_MS,
      heapMb: HEAP_MB,
    })
    reads = await openRows(places.views, true)
    return host
  }
  const reopen = async (poison: Poison) => {
    await host?.close()
    await reads?.close()
    return await open(poison)
  }
  const projectedTo = async (position: number) => {
    for (;;) {
      const at = [...(await reads!.checkpoints()).values()]
      if (at.length === 2 && at.every((checkpoint) => checkpoint === position)) return
      await sleep(20)
    }
  }
  const quantities = async () => {
    const { items } = await reads!.find(levels().table, { sort: [{ column: 'id' }], limit: 100 })
    return items.map(({ id, quantity }) => `${id} ${quantity}`)
  }
  const health = (of: ProjectionHost) => {
    const parts: HealthParts = {
      log,
      reads: reads!,
      host: of,
      waiting: null,
      projections: ['levels', 'movements'],
      roles: rolesOf(['all']),
      shares: () => null,
      server: null,
      circuits: () => ({}),
      cache: null,
      notices: null,
      warnings: [],
      version: 'test',
      startedAt: '',
    }
    return healthOf(parts, null)
  }
  const waiting = async () =>
    (await reads!.parked()).map(
      ({ projection, position, keys, error }) => `${projection} ${position} ${keys} ${error}`,
    )
  const holdsPlainFold = async () => {
    const rows = [...plainFold(levels(), await log.readAll(0, 1_000)).values()]
    deepEqual(
      await quantities(),
      rows.map(({ id, quantity }) => `${id} ${quantity}`),
    )
  }
  const some = () =>
    record(log, [
      received('s1', 'p1', 1),
      received('s2', 'p2', 1),
      received('s1', 'p1', 10),
      received('s1', 'p1', 100),
      received('s2', 'p2', 10),
    ])

  describe('an event whose handler', () => {
    for (const kind of ['loops', 'grows'] as const)
      test(`${kind} is parked alone, shown, and taken once it is mended`, async () => {
        const end = await some()
        const why =
          kind === 'loops'
            ? `Error: the handler took longer than ${HANDLER_MS / 1000} s`
            : `Error: the handler needed more memory than ${HEAP_MB} MB`
        let here = await open({ kind, part: 'apply', at: [3] })
        await projectedTo(end)
        deepEqual(await quantities(), ['s1:p1 1', 's2:p2 11'])
        deepEqual(await waiting(), [`levels 3 s1:p1 ${why}`, 'levels 4 s1:p1 '])
        deepEqual(broken, [])
        equal(told.filter((line) => line.includes('begins anew')).length, 2)
        match(told[0]!, /thread has ended in levels ItemReceived at event 3: the handler .* anew$/)
        // The thread says so after it is stored.
        while (!told.at(-1)!.includes('parked')) await sleep(20)
        match(told.at(-1)!, /levels parked ItemReceived at 3: Error: the handler/)
        const { status, warnings } = await health(here)
        deepEqual([status, warnings], ['degraded', ['levels has parked events']])
        const [first, second] = await here.status()
        deepEqual([first?.status, first?.parked, first?.lag_events], ['faulted', 2, 0])
        deepEqual([second?.status, second?.parked, second?.lag_events], ['running', 0, 0])

        // It is the same from here on.
        if (kind === 'grows') return
        // Once more with the same program: asked for, it is tried, and stays where it was.
        equal(await here.retryParked('levels'), 0)
        equal((await waiting()).length, 2)

        // Started again: what is parked is left alone, what follows waits.
        told.length = 0
        here = await reopen({ kind, part: 'apply', at: [3] })
        await projectedTo(await record(log, [received('s1', 'p1', 1_000)]))
        deepEqual(told, [])
        equal((await waiting()).length, 3)

        here = await reopen(MENDED)
        equal(await here.retryParked('levels'), 3)
        deepEqual(await waiting(), [])
        await holdsPlainFold()
        equal((await health(here)).status, 'ok')
      })

    test('loops before it names its rows holds back its stream alone', async () => {
      const end = await some()
      let here = await open({ kind: 'loops', part: 'keys', at: [3] })
      await projectedTo(end)
      deepEqual(await quantities(), ['s1:p1 1', 's2:p2 11'])
      ok((await waiting()).every((line) => line.includes('stream:item-s1:p1')))
      here = await reopen(MENDED)
      equal(await here.retryParked('levels'), 2)
      await holdsPlainFold()
    })

    test('loops for every event of a type costs three of them, not all', async () => {
      const end = await record(
        log,
        Array.from({ length: 12 }, (_, at) => received('s1', `p${at}`, 1)),
      )
      const at = Array.from({ length: 12 }, (_, event) => event + 1)
      await open({ kind: 'loops', part: 'apply', at })
      await projectedTo(end)
      equal(told.filter((line) => line.includes('begins anew')).length, 6)
      equal((await waiting()).length, 12)
      deepEqual(broken, [])
    })
  })

  test('verifying comes to an end over an event that loops', async () => {
    const end = await some()
    let here = await open({ kind: 'loops', part: 'apply', at: [3] })
    await projectedTo(end)
    // A process that knows nothing of it yet.
    here = await reopen({ kind: 'loops', part: 'apply', at: [3] })
    const checks = await here.verifyReads(() => {})
    deepEqual(
      checks.map(({ name, differing }) => [name, differing]),
      [
        ['read model levels', 0],
        ['read model movements', 0],
        ['keys of persons', 0],
      ],
    )
    const { swapped } = await here.rebuild('levels', false)
    ok(swapped)
    equal((await waiting()).length, 2)
  })

  test('a rebuild that meets such an event says which; the live table is untouched', async () => {
    const end = await some()
    let here = await open(MENDED)
    await projectedTo(end)
    here = await reopen({ kind: 'loops', part: 'apply', at: [3] })
    await rejects(here.rebuild('levels', false), /levels ItemReceived at event 3: the handler took/)
    await holdsPlainFold()
  })

  test('a handler that takes many short turns is none that is stuck', async () => {
    const hand = openHand()
    let stuck = false
    const stop = watchHand(hand, 50, () => {
      stuck = true
    })
    const [one] = watched([movements], hand, new Set())
    for (let turns = 0; turns < 20; turns++) {
      one!.on.ItemReceived!.keys({ event_id: 'a', position: 1 } as Recorded)
      await sleep(5)
    }
    stop()
    equal(stuck, false)
  })
}
