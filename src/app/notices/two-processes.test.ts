// Two processes share the webhooks out; one is killed, and the other goes on where it was.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { atServer, openFleet } from '#testing/fleet.ts'
import { onPostgres } from '#testing/postgres-server.ts'

const MAIN = join(import.meta.dirname, '..', 'main.ts')
const WEBHOOKS = 6
const RENAMED = 5

type Told = { readonly webhook: string; readonly id: string; readonly version: number }

await onPostgres('webhooks of two processes', (fresh) => {
  it('are told everything, each by one of them, also when that one is killed', async (t) => {
    const { url, remove } = await fresh()
    const folder = mkdtempSync(join(tmpdir(), 'daybook-shared-'))
    const told: Told[] = []
    let isHeld = false
    const receiver = createServer(async (request, response) => {
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString())
      const id = String(request.headers['webhook-id'])
      told.push({ webhook: request.url!, id, version: body.version })
      // Whoever is killed leaves deliveries behind that nobody knows the outcome of.
      if (!isHeld) response.writeHead(204).end()
    })
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    const sets = ['webhooks.allow_private=true', 'notifications.retry_base=10ms']
    const fleet = openFleet(MAIN, { folder, env: atServer(url), sets })
    t.after(async () => {
      await fleet.end()
      receiver.closeAllConnections()
      receiver.close()
      rmSync(folder, { recursive: true })
      await remove()
    })
    await Promise.all([fleet.start('one', 'all'), fleet.start('two', 'all')])
    const [, api = ''] = fleet.doors('command')
    const admin = fleet.doors('admin')[1] ?? ''
    const send = async (method: string, to: string, body: object) => {
      const answer = await fetch(to, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      ok(answer.status < 300, `${to}: ${answer.status}`)
      return (await answer.json()) as Record<string, string>
    }
    const { store_id } = await send('POST', `${api}/api/v1/stores`, { name: 'shop' })
    const rename = async () => {
      for (let round = 0; round < RENAMED; round++)
        await send('PATCH', `${api}/api/v1/stores/${store_id}`, { name: `shop ${Math.random()}` })
    }
    const all = Array.from({ length: WEBHOOKS }, (_, i) => `/hook-${i}`)
    for (const path of all)
      await send('POST', `${admin}/api/v1/admin/webhooks`, {
        ...{ url: `http://127.0.0.1:${port}${path}`, event_types: ['StoreUpdated'] },
      })
    const until = async (done: () => boolean) => {
      while (!done()) await sleep(20)
    }
    const versionsAt = (path: string) => told.filter((one) => one.webhook === path)
    const last = (path: string) => versionsAt(path).at(-1)?.version
    await rename()
    await until(() => all.every((path) => last(path) === RENAMED + 1))

    isHeld = true
    await rename()
    await until(() => all.every((path) => last(path) === RENAMED + 2))
    await fleet.kill('one')
    isHeld = false
    receiver.closeAllConnections()
    await until(() => all.every((path) => last(path) === 2 * RENAMED + 1))
    for (const path of all) {
      const versions = versionsAt(path).map(({ version }) => version)
      deepEqual(
        versions,
        versions.toSorted((a, b) => a - b),
      )
      equal(new Set(versions).size, 2 * RENAMED)
      equal(new Set(versionsAt(path).map(({ id }) => id)).size, 2 * RENAMED)
    }
  })
})
