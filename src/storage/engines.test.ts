// The list of engines: what is in it is tested, and what is required is in it.
import { ok } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { requiredEngines } from '#testing/absent.ts'
import { engines } from './engines.ts'

/** No engines of logs; the tests that need them ask for themselves. */
const BESIDE = ['redis', 'strace']

describe('engines', () => {
  it('each have a test of their own with all the contracts', () => {
    for (const name of Object.keys(engines)) {
      const file = join(import.meta.dirname, name, 'engine.test.ts')
      ok(existsSync(file), `${file} is missing`)
    }
  })

  it('are here when they are required', () => {
    for (const name of requiredEngines())
      ok(Object.hasOwn(engines, name) || BESIDE.includes(name), `there is no engine ${name}`)
  })
})
