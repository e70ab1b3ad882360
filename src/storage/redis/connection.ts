// One connection to Redis, for commands and for what other processes tell. Nothing waits in a queue
// while it is away: a command fails at once, or after its short time.
import { Redis, type RedisOptions } from 'ioredis'
import { Unavailable } from '#storage/unavailable.ts'
import { FILL, FORGET, GET, TELL, VOUCH } from './scripts.ts'

export type Connection = {
  /** Throws Unavailable when it may not have been done. */
  run(script: ScriptName, keys: readonly string[], values: readonly Value[]): Promise<unknown>
  close(): Promise<void>
}
type Value = string | number

export type ConnectionOptions = {
  readonly url: string
  readonly channel: string
  /** For one command. */
  readonly timeoutMs: number
  /** What comes over the channel. */
  readonly onMessage: (text: string) => void
  /** Whether messages come, and commands can be sent. */
  readonly onConnected: (connected: boolean) => void
  /** One line when it goes, one when it is back. */
  readonly tell: (line: string) => void
}

const SCRIPTS = {
  keptGet: GET,
  keptFill: FILL,
  keptTell: TELL,
  keptVouch: VOUCH,
  keptForget: FORGET,
}
export type ScriptName = keyof typeof SCRIPTS

const RETRY_FIRST_MS = 50
const RETRY_MAX_MS = 2_000
/** A server that takes a command and says nothing at all for so long is left. */
const SILENT_FOR_MS = 2_000
const CONNECT_WITHIN_MS = 2_000

/** Answers when it is connected, or when the first try has failed: then it goes on trying. */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const { url, channel, timeoutMs, onMessage, onConnected, tell } = options
  const { host } = new URL(url)
  const redis = new Redis(url, { ...REDIS, commandTimeout: timeoutMs })
  const tried = Promise.withResolvers<void>()
  let reason = 'no answer'
  /** What the operator was told last. */
  let state: 'fine' | 'away' | 'refusing' = 'fine'
  let connected = false
  let closing = false

  const turn = (now: boolean) => {
    if (now !== connected) {
      connected = now
      onConnected(now)
    }
    tried.resolve()
  }
  const report = (now: typeof state, line: string) => {
    if (now !== state && !closing) tell(`the cache's Redis at ${host} ${line}`)
    state = now
  }
  redis.on('error', ({ message }) => {
    reason = message
  })
  redis.on('close', () => {
    turn(false)
    report('away', `is away (${reason}); answers come without it`)
  })
  redis.on('ready', () => {
    redis.subscribe(channel).then(
      () => {
        reason = 'it ended the connection'
        turn(true)
        report('fine', 'is back')
      },
      (error: Error) => {
        reason = error.message
        redis.disconnect(true)
      },
    )
  })
  redis.on('message', (_, text) => onMessage(text))
  await tried.promise

  return {
    async run(script, keys, values) {
      if (!connected) throw new Unavailable(`Redis at ${host} is away: ${reason}`)
      try {
        return await commandsOf(redis)[script](keys.length, ...keys, ...values)
      } catch (error) {
        const { name, message } = error as Error
        // Full, read-only, still loading, or without permission: no better than away.
        if (name === 'ReplyError') report('refusing', `refuses: ${message}`)
        throw new Unavailable(`Redis at ${host} did not answer: ${message}`, { cause: error })
      }
    },
    async close() {
      closing = true
      redis.disconnect()
    },
  }
}

const REDIS = {
  scripts: Object.fromEntries(Object.entries(SCRIPTS).map(([name, lua]) => [name, { lua }])),
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // Subscribed by hand: only so somebody hears when that fails.
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  socketTimeout: SILENT_FOR_MS,
  connectTimeout: CONNECT_WITHIN_MS,
  connectionName: 'daybook',
  retryStrategy: (times) => jittered(Math.min(RETRY_FIRST_MS * 2 ** (times - 1), RETRY_MAX_MS)),
  // After a failover this is the old primary: look for the new one.
  reconnectOnError: ({ message }) => message.startsWith('READONLY'),
} satisfies RedisOptions

type Commands = Record<ScriptName, (count: number, ...rest: Value[]) => Promise<unknown>>
/** ioredis makes a method of each script, under its name. */
const commandsOf = (redis: Redis) => redis as unknown as Commands

/** Processes that lost the same server do not all come back in the same moment. */
function jittered(ms: number): number {
  return ms / 2 + (Math.random() * ms) / 2
}
