// The whole shop's routes against bad input: every one refuses it, names the field, and stores
// nothing.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { contextsOf } from '#app/contexts.ts'
import { shopDoors } from '#app/shop-doors-fixture.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { call } from './door-fixture.ts'
import { problemKinds } from './problem.ts'
import { notesOf } from './schema-shape.ts'

const contexts = contextsOf({ provider: openPaymentProvider(), carrier: openCarrier() })
const commands = contexts.flatMap((context) => context.commands)
const queries = contexts.flatMap((context) => context.queries)

const shop = shopDoors()

const ID = '01939b5a-7c1e-7000-8000-000000000001'
const filled = (path: string) => path.replaceAll(/:[A-Za-z_]+/g, ID)
const doorOf = (path: string) => (path.startsWith('/api/v1/admin/') ? shop.adminPort : shop.port)

describe('every command of the shop', () => {
  for (const { type, route, input } of commands) {
    if (route === undefined || route.method === 'DELETE') continue
    for (const path of [route.path, ...(route.aliases ?? [])])
      test(`${route.method} ${path} (${type}) refuses bad input by name and stores nothing`, async () => {
        const before = await shop.app.log.head()
        const refuses = async (body: unknown, field: string) => {
          const { status, headers, json } = await call(doorOf(path), route.method, filled(path), {
            body,
          })
          equal(status, 400, `${JSON.stringify(body)}: ${JSON.stringify(json)}`)
          equal(headers['content-type'], 'application/problem+json')
          const named = Object.keys(json.errors)
          ok(
            named.some((one) => one === field || one.startsWith(`${field}.`)),
            `${field}: ${named}`,
          )
        }
        await refuses({ no_such_field: 1 }, 'no_such_field')
        await refuses('{"x":1,"x":1}', 'x')
        await refuses('{"expected_version":9007199254740993}', 'expected_version')
        await refuses({ command_id: '' }, 'command_id')
        await refuses('[]', '(body)')
        const names = Object.keys(input.properties).filter((name) => !path.includes(`:${name}`))
        const required: readonly string[] = input.required ?? []
        for (const name of names) {
          await refuses({ [name]: [[[]]] }, name)
          if (required.includes(name)) await refuses({}, name)
          if (['decimal', 'money'].includes(notesOf(input.properties[name]!)['x-kind'] ?? ''))
            for (const wrong of ['1e400', '9'.repeat(17), '"1,5"', '0.1234567891', '"NaN"'])
              await refuses(`{"${name}":${wrong}}`, name)
        }
        deepEqual(await shop.app.log.head(), before)
      })
  }
})

describe('every query of the shop', () => {
  for (const { type, route, input } of queries) {
    if (route === undefined || route.method !== 'GET') continue
    for (const path of [route.path, ...(route.aliases ?? [])])
      test(`${path} (${type}) refuses what it does not know, twice, or out of bounds`, async () => {
        const refuses = async (query: string, field: string) => {
          const { status, json } = await call(doorOf(path), 'GET', `${filled(path)}?${query}`)
          equal(status, 400, `${query}: ${JSON.stringify(json)}`)
          ok(Object.keys(json.errors).includes(field), `${query}: ${JSON.stringify(json.errors)}`)
        }
        await refuses('no_such_field=1', 'no_such_field')
        await refuses('a=1&a=1', 'a')
        await refuses('min_position=-1', 'min_position')
        if ('limit' in input.properties)
          for (const limit of ['-1', '0', '1e9', 'abc', '9007199254740993', ''])
            await refuses(`limit=${limit}`, 'limit')
        if ('offset' in input.properties) await refuses('offset=-1', 'offset')
        // Where the path has a word of its own, that is refused first.
        if (!('from' in input.properties) || path.includes(':status')) return
        const isDay = JSON.stringify(input.properties.to).includes('"date"')
        const time = isDay ? '' : 'T00:00:00Z'
        await refuses(`from=2026-02-01${time}&to=2026-01-31${time}`, 'to')
      })
  }
})

test('the shop is described without a fault and without inside names', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  for (const at of [shop.port, shop.adminPort]) {
    const source = (await call(at, 'GET', '/openapi.json')).text
    ok(!/"[a-z_]+_minor"/.test(source))
    const problems = await lintFromString({ source, config })
    const told = problems.filter(({ ruleId }) => ruleId !== 'no-ambiguous-paths')
    deepEqual(
      told.map(({ ruleId, message }) => `${ruleId}: ${message}`),
      [],
    )
  }
})

test('every code that a rule of the shop may answer with has its status', async () => {
  const { globSync, readFileSync } = await import('node:fs')
  const files = globSync('src/{contexts,runtime}/**/*.ts', {
    exclude: (name) => name.includes('.test.'),
  })
  const codes = files.flatMap((file) =>
    [
      ...readFileSync(file, 'utf8').matchAll(
        /\breject\(\s*'([a-z_]+)'|\bcode: '([a-z_]+)',\s*message/g,
      ),
    ].map(([, rejected, code]) => rejected ?? code!),
  )
  ok(codes.length > 10)
  deepEqual(
    [...new Set(codes)].filter((code) => !(code in problemKinds)),
    [],
  )
})
