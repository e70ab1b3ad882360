// The program is killed while it tells others: nothing is lost, what comes twice has the same id,
// and what happened to one thing is told in order.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

const MAIN = join(import.meta.dirname, '..', 'main.ts')
const SETS = ['webhooks.allow_private=true', 'notifications.retry_base=10ms']
const PORTS = ['--port', '0', '--query-port', '0', '--admin-port', '0']
const RENAMED = 12

type Told = { readonly id: string; readonly version: number }

test('a kill in the middle of a delivery repeats it, and loses nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-killed-'))
  const told: Told[] = []
  let child: ChildProcess | null = null
  /** Until then its registration's answer may be on its way. */
  const registered = Promise.withResolvers<void>()
  /** Which of the requests is the end of the program, before or after its answer. */
  const deadly = new Map([
    [1, 'before'],
    [6, 'after'],
  ])
  const receiver = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString())
    told.push({ id: String(request.headers['webhook-id']), version: body.version })
    const end = deadly.get(told.length)
    await registered.promise
    if (end === 'before') return void child?.kill('SIGKILL')
    response.writeHead(204).end()
    if (end === 'after') child?.kill('SIGKILL')
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  t.after(() => {
    child?.kill('SIGKILL')
    receiver.closeAllConnections()
    receiver.close()
    rmSync(folder, { recursive: true })
  })

  const start = async () => {
    const argv = [MAIN, 'start', '--data', join(folder, 'shop.db'), ...PORTS]
    const running = spawn(process.execPath, [...argv, ...SETS.flatMap((set) => ['--set', set])], {
      cwd: folder,
    })
    child = running
    let said = ''
    running.stdout.on('data', (chunk) => (said += chunk))
    running.stderr.on('data', (chunk) => (said += chunk))
    while (!/ready: .*\n/.test(said) && running.exitCode === null) await sleep(10)
    const [, api = '', admin = ''] = /ready: (\S+) .*admin (\S+)/.exec(said) ?? []
    ok(api !== '', said)
    return { api, admin, ended: once(running, 'exit') }
  }
  const send = async (method: string, url: string, body: object) => {
    const answer = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    ok(answer.status < 300, `${url}: ${answer.status}`)
    return (await answer.json()) as Record<string, string>
  }

  const first = await start()
  const { store_id } = await send('POST', `${first.api}/api/v1/stores`, { name: 'shop' })
  const renamed = (round: number) =>
    send('PATCH', `${first.api}/api/v1/stores/${store_id}`, { name: `shop ${round}` })
  for (let round = 1; round <= RENAMED; round++) await renamed(round)
  await send('POST', `${first.admin}/api/v1/admin/webhooks`, {
    ...{ url: `http://127.0.0.1:${port}/hooks`, event_types: ['StoreUpdated'], from_position: 0 },
  })
  registered.resolve()
  await first.ended
  equal(told.length, 1)
  const second = await start()
  await second.ended
  await start()
  while (told.at(-1)?.version !== RENAMED + 1) await sleep(10)

  // The version of each is its place; the first of all came twice at least, with one id.
  const versions = told.map(({ version }) => version)
  equal(told[0]?.id, told[1]?.id)
  deepEqual(
    [...new Set(versions)],
    Array.from({ length: RENAMED }, (_, i) => i + 2),
  )
  deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  )
  equal(new Set(told.map(({ id }) => id)).size, RENAMED)
})
