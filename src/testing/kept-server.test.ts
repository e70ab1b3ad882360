// The ports that servers of tests stand on: each is given once, and by default the system gives
// none of them to anybody else while its server is away.
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { freePort } from './kept-server.ts'

const SYSTEMS_FIRST = 32_768

test('ports are given once, and are none of those that the system gives', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort))
  equal(new Set(ports).size, 50)
  for (const port of ports) ok(port < SYSTEMS_FIRST, String(port))
})
