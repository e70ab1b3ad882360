// One POST to a host that nobody vouches for: checked before and while it connects, bounded in time
// and in what is read, following nothing.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { hostOf, type UrlRules, urlTrouble } from '#contexts/notifications/webhook-url.ts'
import { guardedLookup, PrivateAddress, type Resolve } from './guarded-lookup.ts'

export type PostRules = UrlRules & {
  readonly timeoutMs: number
  /** How names become addresses; for tests. */
  readonly resolve?: Resolve
}
export type Posted = { readonly status: number; readonly retryAfterMs: number | null }

/** What an answer says beside its status is of no use; a little is read so that it can end. */
const BODY_BYTES_MAX = 16 * 1024

/** Throws when nobody answered; the error's `code` or name says why, and names nobody. */
export async function post(
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  rules: PostRules,
): Promise<Posted> {
  // The rules of today: the address was taken under those of then.
  if (urlTrouble(address, rules) !== null) throw new PrivateAddress()
  const url = new URL(address)
  const signal = AbortSignal.timeout(rules.timeoutMs)
  const lookup: LookupFunction = guardedLookup(rules.allowPrivate, rules.resolve)
  const options = {
    method: 'POST',
    // A connection of its own: one that is kept would be reused without a look at its address.
    ...{ agent: false, lookup, signal },
    host: hostOf(url),
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
  }
  const sending = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
  try {
    return await answerTo(sending, body)
  } catch (error) {
    if (signal.aborted) throw Object.assign(new Error('no answer in time'), { code: 'TIMEOUT' })
    throw error
  }
}

function answerTo(sending: ClientRequest, body: string): Promise<Posted> {
  return new Promise((resolve, reject) => {
    sending.on('response', (response) => {
      const { statusCode: status = 0, headers } = response
      const done = () => resolve({ status, retryAfterMs: retryAfter(headers['retry-after']) })
      // Its status has been said: how the rest ends changes nothing.
      sending.off('error', reject)
      sending.on('error', done)
      drained(response, done)
    })
    // Another protocol is not what was asked for, and Node tells of it in no other way.
    sending.on('upgrade', ({ statusCode: status = 0 }, socket) => {
      socket.destroy()
      resolve({ status, retryAfterMs: null })
    })
    sending.on('error', reject)
    sending.end(body)
  })
}

function drained(response: IncomingMessage, done: () => void): void {
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) response.destroy()
  })
  response.on('error', done)
  response.on('close', done)
}

/** Seconds, or a date. */
function retryAfter(header: string | undefined): number | null {
  if (header === undefined) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now())
}
