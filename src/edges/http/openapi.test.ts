// The description of the API: well-formed, complete, and true.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { commands } from './account-fixture.ts'
import { type Bank, call, openBank } from './door-fixture.ts'

let bank: Bank
before(async () => {
  bank = await openBank(await openEventLog(), await openKeyRing())
})
after(() => bank.close())

const describedBy = async (door: keyof Bank['ports']) =>
  (await call(bank.ports[door], 'GET', '/openapi.json')).json

describe('the description of the API', () => {
  for (const door of ['public', 'query', 'admin'] as const)
    test(`of the ${door} door passes the linter`, async () => {
      const config = await createConfig({ extends: ['recommended'] })
      const source = JSON.stringify(await describedBy(door))
      const problems = await lintFromString({ source, config })
      const told = problems
        // A static segment beside a parameter is the catalogue's choice: static ones win.
        .filter(({ ruleId }) => ruleId !== 'no-ambiguous-paths')
        .map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`)
      deepEqual(told, [])
    })

  test('names each operation once, with the aliases of paths', async () => {
    const { paths } = await describedBy('public')
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods as object))
    const ids = operations.map(({ operationId }) => operationId)
    equal(new Set(ids).size, ids.length)
    equal(paths['/api/v1/accounts'].post.operationId, 'OpenAccount')
    equal(paths['/accounts'].post.operationId, 'OpenAccount_2')
    for (const { route } of commands)
      if (!route!.path.includes('/admin/'))
        ok(paths[route!.path.replaceAll(/:([a-z_]+)/g, '{$1}')][route!.method.toLowerCase()])
    equal(paths['/api/v1/admin/accounts/{account_id}/freeze'], undefined)
  })

  test('tells of the wire, not of the inside', async () => {
    const { paths } = await describedBy('public')
    const { post, get } = paths['/api/v1/accounts']
    const body = post.requestBody.content['application/json']
    equal(body.schema.properties.code.description, 'Also: sku, number.')
    deepEqual(body.schema.required, ['owner', 'currency'])
    ok(body.schema.properties.command_id)
    const amount = paths['/api/v1/accounts/{account_id}/deposits'].post.requestBody
    deepEqual(amount.content['application/json'].schema.properties.amount.type, [
      'number',
      'string',
    ])
    const answer = paths['/api/v1/accounts/{account_id}'].get.responses['200']
    const shown = JSON.stringify(answer)
    ok(shown.includes('"balance":{"type":"number"') && !shown.includes('_minor'), shown)
    deepEqual(
      get.parameters.map(({ name }: { name: string }) => name),
      ['owner', 'since', 'closed', 'sizes', 'limit', 'offset', 'cursor', 'min_position'],
    )
  })

  test('says of every parameter what it means, and of commands how they may be refused', async () => {
    for (const door of ['public', 'query', 'admin'] as const)
      for (const [path, methods] of Object.entries((await describedBy(door)).paths))
        for (const { parameters, operationId } of Object.values(methods as object))
          for (const { name, description = '' } of parameters)
            ok(description.length > 8, `${operationId} ${path}: ${name}`)
    const { paths } = await describedBy('public')
    const { post } = paths['/api/v1/accounts']
    for (const [status, code] of [
      ['400', 'malformed_request'],
      ['409', 'already_exists'],
      ['413', 'payload_too_large'],
      ['503', 'storage_full'],
      ['504', 'timeout'],
    ] as const)
      ok(post.responses[status]?.description.includes(code), `${status} ${code}`)
  })

  test('gives examples that the API takes', async () => {
    const { paths } = await describedBy('public')
    const { example } = paths['/api/v1/accounts'].post.requestBody.content['application/json']
    const opened = await call(bank.ports.public, 'POST', '/api/v1/accounts', { body: example })
    equal(opened.status, 201, opened.text)
    const path = '/api/v1/accounts/{account_id}/deposits'
    const deposit = paths[path].post.requestBody.content['application/json'].example
    const url = path.replace('{account_id}', opened.json.account_id)
    equal((await call(bank.ports.public, 'POST', url, { body: deposit })).status, 201)
  })

  test('is shown by a page of its own, without inline script or style', async () => {
    const { public: port } = bank.ports
    const page = await call(port, 'GET', '/docs')
    equal(page.headers['content-type'], 'text/html; charset=utf-8')
    ok(!/<script(?! src)|<style|style=|onclick|https?:/.test(page.text))
    for (const [, address] of page.text.matchAll(/(?:src|href)="(\/[^"#]+)"/g))
      equal((await call(port, 'GET', address!)).status, 200, address)
    ok(page.text.includes('id="insufficient_stock"'))
    const { json } = await call(port, 'GET', '/nope')
    ok(page.text.includes(`id="${json.type.split('#')[1]}"`))
  })
})
