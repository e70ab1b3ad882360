// The bus hears the log: everything from the start on, once and in order.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 } from 'uuid'
import { openBus } from '#messaging/memory/open.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { relay } from './relay.ts'

test('listeners hear every event recorded from the start on, once and in order', async () => {
  const log = await openEventLog()
  const append = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        log.append({
          writes: [
            {
              stream: `note-${v7()}`,
              expected: 'none',
              events: [
                { event_id: v7(), event_type: 'Noted', event_version: 1, data: {}, metadata: {} },
              ],
            },
          ],
        }),
      ),
    )
  await append(5)
  const bus = openBus()
  const heard: number[] = []
  bus.subscribe('all', ({ position }) => void heard.push(position))
  const relaying = relay(log, bus, () => {})
  relaying.start()
  relaying.start()
  log.onAppended(relaying.wake)
  await append(1_200)
  while (heard.length < 1_200) await sleep(2)
  await relaying.stop()
  deepEqual(
    heard,
    Array.from({ length: 1_200 }, (_, i) => i + 6),
  )
  await bus.close()
  await log.close()
})
