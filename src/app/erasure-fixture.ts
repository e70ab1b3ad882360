// What tests of forgetting ask of a whole shop: commands that must be taken, everything that its
// tables show, and what verify says of them.
import { ok } from 'node:assert/strict'
import { personalData } from '#runtime/personal.ts'
import { verifyReadModels } from '#runtime/verify-read-models.ts'
import { openReadModels as openScratch } from '#storage/memory/read-models.ts'
import type { ModelShop } from './model-shop.ts'

export async function done(shop: ModelShop, type: string, input: object, meta: object = {}) {
  const outcome = await shop.send(type, input, meta)
  ok(outcome.ok, `${type}: ${JSON.stringify(outcome)}`)
  return outcome.response
}

/** Each row of each table, as a text with the table's name. */
export async function rowsOf({ parts: { reads, runner, projections } }: ModelShop) {
  await runner.catchUp()
  const tables = projections.map(async ({ name, table }) => {
    const { items } = await reads.find(table, { limit: 1_000 })
    return items.map((row) => `${name} ${JSON.stringify(row)}`)
  })
  return (await Promise.all(tables)).flat()
}

/** Those of `verify` that found something. */
export async function checks({ parts }: ModelShop) {
  const scratch = await openScratch()
  const open = personalData(parts.types, parts.keys, 0).open
  const all = await verifyReadModels({ ...parts, scratch, open })
  await scratch.close()
  return all.filter(({ differing }) => differing > 0)
}
export const differences = async (shop: ModelShop): Promise<readonly string[]> =>
  (await checks(shop)).flatMap(({ name, differences }) =>
    differences.map((one) => `${name} ${JSON.stringify(one)}`),
  )
