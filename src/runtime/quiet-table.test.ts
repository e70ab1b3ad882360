// A table that has nothing due is asked again when it has moved, when the time has come, and now
// and then.
import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { quietTable } from './quiet-table.ts'

const NOON = '2026-11-21T12:00:00.000Z'
const LATER = '2026-11-21T12:00:00.001Z'
const never = async () => null

async function quietAt(checkpoint: number, next: string | null = null) {
  const table = quietTable()
  await table.nothingDue(checkpoint, () => Promise.reject(new Error('it was not quiet yet')))
  equal(table.isQuiet(checkpoint, NOON), false)
  await table.nothingDue(checkpoint, async () => next)
  return table
}

test('it rests once nothing was due twice, and until its checkpoint moves', async () => {
  const table = await quietAt(7)
  equal(table.isQuiet(7, NOON), true)
  equal(table.isQuiet(8, NOON), false)
  // What was known of it then is not known now.
  equal(table.isQuiet(7, NOON), false)
})

test('one that moves between two looks is not asked for its next row', async () => {
  const table = quietTable()
  for (let checkpoint = 1; checkpoint < 9; checkpoint++)
    await table.nothingDue(checkpoint, () => Promise.reject(new Error('it moves')))
})

test('it rests until the time of its next row', async () => {
  const table = await quietAt(7, LATER)
  equal(table.isQuiet(7, NOON), true)
  equal(table.isQuiet(7, LATER), false)
})

test('what came without moving the checkpoint is found in the end', async () => {
  const table = await quietAt(7)
  let skipped = 0
  while (table.isQuiet(7, NOON)) skipped++
  equal(skipped, 20)
})

test('forgotten, it is asked', async () => {
  const table = await quietAt(7)
  table.forget()
  equal(table.isQuiet(7, NOON), false)
  await table.nothingDue(7, never)
  equal(table.isQuiet(7, NOON), false)
})
