// The cache's contract on a real Redis.
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheContract } from '#storage/cache.contract.ts'
import { onRedis } from '#testing/redis-server.ts'
import { openCache } from './cache.ts'

onRedis('redis', (fresh) => {
  cacheContract('redis', async (knownForMs) => {
    const { url, remove } = await fresh()
    return {
      port: await openCache({
        ...{ url, edition: '1', timeoutMs: 5_000 },
        ...(knownForMs === undefined ? {} : { knownForMs }),
      }),
      remove,
      pass: (ms) => sleep(ms),
    }
  })
})
