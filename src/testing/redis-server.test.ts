// The Redis that tests run on: empty, password-protected, apart from others, gone afterwards.
import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import { Redis } from 'ioredis'
import { type OwnRedis, onOwnRedis, onRedis, testRedis } from './redis-server.ts'

const once = { retryStrategy: () => null, maxRetriesPerRequest: 0 }

async function ask<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, once)
  client.on('error', () => {})
  try {
    return await work(client)
  } finally {
    if (client.status !== 'end') client.disconnect()
  }
}

onRedis('the Redis of the tests', (fresh) => {
  it('gives every test an empty one of its own', async () => {
    const [one, two] = [await fresh(), await fresh()]
    notEqual(one.url, two.url)
    await ask(one.url, (client) => client.set('key', 'one'))
    equal(await ask(two.url, (client) => client.get('key')), null)
    await one.remove()
    await two.remove()
  })
})

onOwnRedis('a Redis of a test’s own', (fresh) => {
  let redis: OwnRedis
  beforeEach(async () => {
    redis = await fresh()
  })
  afterEach(() => redis.remove())
  const ping = () => ask(redis.url, (client) => client.ping())

  it('lets nobody in without its password', async () => {
    const open = new URL(redis.url)
    open.password = ''
    await rejects(
      ask(open.href, (client) => client.ping()),
      /NOAUTH/,
    )
  })

  it('is gone once it is killed, and back, empty, at the same address', async () => {
    await ask(redis.url, (client) => client.set('key', 'before'))
    redis.signal('SIGKILL')
    await rejects(ping())
    await redis.restart()
    equal(await ask(redis.url, (client) => client.get('key')), null)
  })

  it('stops although somebody had halted it', async () => {
    redis.signal('SIGSTOP')
    await redis.remove()
    await rejects(ping())
  })

  it('takes only empty databases of a given server, and gives them back', async () => {
    await ask(`${redis.url}/1`, (client) => client.set('somebody', 'cares'))
    const before = process.env.TEST_REDIS_URL
    process.env.TEST_REDIS_URL = redis.url
    try {
      const [one, two] = [await testRedis(), await testRedis()]
      if ('skipped' in one || 'skipped' in two) throw new Error('skipped')
      deepEqual(
        [one, two].map(({ url }) => new URL(url).pathname),
        ['/2', '/3'],
      )
      await ask(one.url, (client) => client.set('key', 'one'))
      await one.remove()
      await two.remove()
      const again = await testRedis()
      equal('url' in again && new URL(again.url).pathname, '/2')
    } finally {
      if (before === undefined) delete process.env.TEST_REDIS_URL
      else process.env.TEST_REDIS_URL = before
    }
    equal(await ask(`${redis.url}/1`, (client) => client.get('somebody')), 'cares')
  })
})
