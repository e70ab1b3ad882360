// Requests to the shop's doors, asked again with the same key until they are answered for good, as
// a client does that trusts the promise. Every try is written down.
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from '#testing/fleet.ts'
import type { Random } from '#testing/random.ts'
import {
  type Account,
  type Asked,
  type Dawdled,
  isFinal,
  type Looked,
  type Told,
} from './account.ts'

export type Body = Readonly<Record<string, unknown>>
export type Answer = { readonly status: number; readonly body: Body }
export type Command = {
  /** What it is, in one word, for the summary. */
  readonly what: string
  readonly path: string
  readonly body: object
  readonly method?: string
  readonly key?: string
}
export type Clients = {
  /** null: no last word within minutes. */
  send(command: Command, random: Random): Promise<Answer | null>
  /** Several at the same moment under one key, at whatever doors. */
  sendTogether(command: Command, times: number, random: Random): Promise<Answer | null>
  get(role: 'query' | 'admin', path: string, random: Random): Promise<Answer>
  /** Asks for something that was recorded at `since`, and has to see it. */
  look(path: string, since: number, random: Random): Promise<void>
  /** Something that no server should take. */
  offend(offence: Offence, random: Random): Promise<void>
  readonly account: Account & { readonly dawdled: Dawdled[] }
  /** From now on nobody is patient any more. */
  giveUp(): void
}
export type Offence = {
  readonly method: string
  readonly path: string
  readonly text: string | null
  readonly type: string
}

const TRY_MS = 8_000
/** Longer than a process takes to start again, on a machine that is ten times as slow. */
const PATIENCE_MS = 240_000
/** Who is answered so often, and never for good, will not be; slow machines take longer for it. */
const ANSWERS_MAX = 400
const PAUSE_MS = 150

export function openClients(fleet: Fleet, startedAt: number): Clients {
  const asked = new Map<string, Asked>()
  const looked: Looked[] = []
  const hostile: Asked[] = []
  const dawdled: Dawdled[] = []
  let isOver = false
  const now = () => Math.round(performance.now() - startedAt)

  /** One try. */
  const attempt = async (
    one: Pick<Asked, 'method' | 'path' | 'body'> & { readonly key: string | null },
    door: string,
    type = 'application/json',
  ): Promise<{ told: Told; answer: Answer }> => {
    const at = now()
    try {
      const response = await fetch(`${door}${one.path}`, {
        method: one.method,
        headers: {
          ...(one.body === null ? {} : { 'content-type': type }),
          ...(one.key === null ? {} : { 'idempotency-key': one.key }),
        },
        body: one.body,
        signal: AbortSignal.timeout(TRY_MS),
      })
      const text = await response.text()
      const answer = { status: response.status, body: parsed(text) }
      return {
        told: toldOf(response, text, answer.body, { asked: at, answered: now(), door }),
        answer,
      }
    } catch (error) {
      const told = { asked: at, answered: now(), door, status: 0, code: reasonOf(error) }
      return {
        told: { ...told, position: null, digest: '', isProblem: false },
        answer: { status: 0, body: {} },
      }
    }
  }

  const entry = ({ what, path, body, method = 'POST', key = randomUUID() }: Command): Asked => {
    const known = asked.get(key)
    if (known !== undefined) return known
    const one = { key, what, method, path, body: JSON.stringify(body), told: [] }
    asked.set(key, one)
    return one
  }
  const send = async (command: Command, random: Random): Promise<Answer | null> => {
    const one = entry(command)
    const until = performance.now() + PATIENCE_MS
    for (let answers = 0; answers < ANSWERS_MAX && performance.now() < until && !isOver; ) {
      const { told, answer } = await attempt(one, random.pick(fleet.doors('command')))
      one.told.push(told)
      if (isFinal(told)) return answer
      if (told.status !== 0) answers++
      await sleep(PAUSE_MS * (0.5 + random.next()))
    }
    return null
  }
  return {
    send,
    async sendTogether(command, times, random) {
      const { key } = entry(command)
      const all = Array.from({ length: times }, () => send({ ...command, key }, random))
      return (await Promise.all(all)).find((answer) => answer !== null) ?? null
    },
    async get(role, path, random) {
      const one = { method: 'GET', path, body: null, key: null }
      return (await attempt(one, random.pick(fleet.doors(role)))).answer
    },
    async look(path, since, random) {
      const whole = `${path}?min_position=${since}`
      const one = { method: 'GET', path: whole, body: null, key: null }
      const { told } = await attempt(one, random.pick(fleet.doors('query')))
      looked.push({ path, since, status: told.status, code: told.code, at: told.asked })
    },
    async offend({ method, path, text, type }, random) {
      const one = { key: '', what: 'offence', method, path, body: text, told: [] as Told[] }
      const sent = { method, path, body: text, key: null }
      one.told.push((await attempt(sent, random.pick(fleet.doors('command')), type)).told)
      hostile.push(one)
    },
    account: { asked, looked, hostile, dawdled },
    giveUp: () => {
      isOver = true
    },
  }
}

function toldOf(
  response: Response,
  text: string,
  body: Body,
  when: Pick<Told, 'asked' | 'answered' | 'door'>,
): Told {
  const { position, code } = body
  return {
    ...when,
    status: response.status,
    code: typeof code === 'string' ? code : '',
    position: typeof position === 'number' ? position : null,
    digest: createHash('sha256').update(text).digest('base64url').slice(0, 16),
    isProblem: response.headers.get('content-type')?.includes('application/problem+json') === true,
  }
}

function parsed(text: string): Body {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function reasonOf(error: unknown): string {
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? name)
}
