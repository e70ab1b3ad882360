// What operators are shown of events that wait.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { compose } from './compose.ts'
import { configFor } from './config-for.ts'

test('events that wait in a table that a rebuild left behind are not shown, others are', async () => {
  const app = await compose(configFor(['--set', 'database.driver=memory']))
  try {
    const projection = app.contexts
      .flatMap(({ projections }) => projections)
      .find(({ name }) => name === 'departments')!
    await app.send('CreateDepartment', { name: 'Pens' })
    await app.projected((await app.log.head()).position)
    const { position: end } = await app.log.head()
    for (const name of ['departments', 'departments__rebuild']) {
      const table = { ...projection.table, name }
      await app.reads.define([{ ...projection, name, table }])
      const at = (await app.reads.checkpoints()).get(name) ?? 0
      const park = [{ projection: name, position: end, keys: ['d'], error: 'Error: no' }]
      const move = { projection: name, table, from: at, to: at }
      await app.reads.commit([{ ...move, upserts: [], deletes: [], park, unpark: [] }])
    }
    deepEqual(
      (await app.operations.parked()).map(({ projection }) => projection),
      ['departments'],
    )
  } finally {
    await app.close()
  }
})
