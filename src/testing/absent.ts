// What a test says about a server that is not here: a skip that nobody overlooks, and a failure
// where REQUIRE_ENGINES (names with commas) asks for that server.
import { fail } from 'node:assert/strict'
import { it } from 'node:test'

export const requiredEngines = (): readonly string[] =>
  (process.env.REQUIRE_ENGINES ?? '').split(',').filter((name) => name !== '')

export const isRequired = (engine: string): boolean => requiredEngines().includes(engine)

/** Registers a test in place of those that cannot run. */
export function absent(engine: string, why: string, tests: string): void {
  it(`${tests}: needs ${engine}`, (t) => {
    if (isRequired(engine)) fail(`${engine} is required: ${why}`)
    t.skip(`${engine} is not here: ${why}`)
  })
}
