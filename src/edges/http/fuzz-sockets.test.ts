// Bytes that are almost HTTP, at the bare socket: each connection gets answers that are HTTP or is
// closed, none is confused about where a request ends, and in the end no socket is left open.
// SEED=… repeats a run; FUZZ=8 makes it eight times as long.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { answersIn, mutant, type Recording, recorded, smuggled } from '#testing/wire-mutants.ts'
import { type Bank, call, openBank } from './door-fixture.ts'

const SEED = seedOfRun()
const MUTANTS = 600 * Number(process.env.FUZZ ?? 1)
const AT_ONCE = 150
/** Much longer than the server waits for the rest of a request, and looks for those that wait. */
const PATIENCE_MS = 60_000
const ANSWERS = [200, 201, 204, 400, 403, 404, 405, 408, 409, 413, 415, 421, 422, 431]

const RECORDING: Recording = {
  path: '/api/v1/accounts',
  body: '{"owner":"ada","currency":"USD"}',
  host: 'localhost',
}

let bank: Bank
/** With as much time as in earnest: for what is to be answered, however busy the machine is. */
let patient: Bank
const unhandled: unknown[] = []
const onUnhandled = (error: unknown) => unhandled.push(error)
before(async () => {
  process.on('unhandledRejection', onUnhandled)
  const settings = { 'server.read_timeout': 500, 'server.idle_timeout': 1_000 }
  bank = await openBank(await openEventLog(), await openKeyRing(), { settings })
  patient = await openBank(await openEventLog(), await openKeyRing())
})
after(async () => {
  await bank.close()
  await patient.close()
  process.off('unhandledRejection', onUnhandled)
})

type Sending = {
  /** Written one after the other, with this pause between. */
  readonly parts: readonly (string | Buffer)[]
  readonly pauseMs?: number
  /** Ends when this is in what came back; absent: when the server closes. */
  readonly until?: string
  /** The client leaves without a word after the last part. */
  readonly leave?: 'end' | 'reset'
}
type Came = { readonly text: string; readonly closed: boolean }

function sendRaw(sending: Sending, port = bank.ports.public): Promise<Came> {
  const { parts, pauseMs = 0, until, leave } = sending
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const end = (closed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, closed })
    }
    const timer = setTimeout(() => end(false), PATIENCE_MS)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (until !== undefined && text.includes(until)) end(false)
    })
    socket.on('error', () => {})
    socket.on('close', () => end(true))
    socket.on('connect', async () => {
      for (const [i, part] of parts.entries()) {
        if (i > 0 && pauseMs > 0) await sleep(pauseMs)
        if (!socket.destroyed) socket.write(part)
      }
      if (leave === 'end') socket.end()
      if (leave === 'reset') socket.resetAndDestroy()
    })
  })
}

const canary = (id: string) =>
  `GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Correlation-Id: ${id}\r\n\r\n`

/** What is wrong with what came back for some bytes and a canary behind them. */
function faultsOf(bytes: Buffer, id: string, { text, closed }: Came): readonly string[] {
  const about = JSON.stringify(bytes.toString('latin1')).slice(0, 400)
  const fault = (what: string) => [
    `${what}\n  sent ${about}\n  came ${JSON.stringify(text).slice(0, 600)}`,
  ]
  if (!closed && !text.includes(id)) return fault('neither an answer nor the end')
  const answers = answersIn(text)
  // An answer to HEAD tells the length of a body that does not come.
  if (answers === null) return /\bHEAD /.test(about) ? [] : fault('this is not HTTP')
  const odd = answers.filter(({ status }) => !ANSWERS.includes(status))
  if (odd.length > 0) return fault(`status ${odd.map(({ status }) => status)}`)
  const bare = answers.find(({ status, head }) => status >= 400 && !head.includes('problem+json'))
  if (bare !== undefined) return fault('a refusal without its problem')
  const at = answers.findIndex(({ head }) => head.includes(id))
  // Where the bytes end early, the canary is the rest of the first request; nothing comes after.
  if (at > 0 && answers[at]!.status !== 200) return fault('the next request was confused')
  if (at >= 0 && at !== answers.length - 1) return fault('an answer after the last')
  return []
}

describe(`bytes that are almost HTTP (SEED=${SEED})`, () => {
  const random = seeded(SEED)
  const statuses = new Map<string, number>()
  const count = ({ text, closed }: Came) => {
    const last = answersIn(text)?.map(({ status }) => status) ?? ['?']
    const name = `${last.join('+') || 'nothing'}${closed ? ' closed' : ''}`
    statuses.set(name, (statuses.get(name) ?? 0) + 1)
  }

  test('recorded requests are answered, and the socket is kept', async () => {
    for (const bytes of recorded(RECORDING)) {
      const sending = { parts: [bytes, canary('canary-0')], until: 'canary-0' }
      const { text } = await sendRaw(sending, patient.ports.public)
      const found = answersIn(text)?.map(({ status }) => status) ?? []
      equal(found.length, 2, text)
      ok(found[0]! < 300 && found[1] === 200, text)
    }
  })

  test('a request bent at random is answered or cut off, and the next is not confused', async (t) => {
    const faults: string[] = []
    let left = MUTANTS
    const lane = async () => {
      while (left-- > 0) {
        const bytes = mutant(Buffer.from(random.pick(recorded(RECORDING))), random)
        const id = `canary-${left}`
        const came = await sendRaw({ parts: [bytes, canary(id)], until: id })
        count(came)
        faults.push(...faultsOf(bytes, id, came))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    t.diagnostic([...statuses].map(([name, times]) => `${name}×${times}`).join(', '))
    equal(faults.length, 0, faults.slice(0, 5).join('\n'))
    ok(statuses.size > 8, 'many kinds of ends were met')
  })

  test('what could be read in two ways is refused and closed, and nothing behind it is heard', async () => {
    const tricks = Object.entries(smuggled(RECORDING))
    const wrong = await Promise.all(
      tricks.map(async ([name, bytes], i) => {
        const came = await sendRaw({ parts: [bytes, canary(`trick-${i}-`)] })
        const answers = answersIn(came.text)
        const fine =
          came.closed &&
          answers !== null &&
          answers.length <= 1 &&
          !came.text.includes(`trick-${i}-`)
        const codes = answers?.map(({ status }) => status) ?? []
        return fine && codes.every((status) => [400, 408, 421].includes(status))
          ? []
          : [`${name}: ${codes} ${came.closed ? 'closed' : 'open'} ${came.text.slice(0, 300)}`]
      }),
    )
    deepEqual(wrong.flat(), [])
  })

  test('what follows a good request and is none never passes for its answer', async () => {
    const post = recorded(RECORDING).find((bytes) => bytes.includes('Idempotency-Key'))!
    for (let i = 0; i < 20; i++) {
      const sending = { parts: [`${post.replace('k-1', `behind-${i}`)}garbage\r\n\r\n`] }
      const { text, closed } = await sendRaw(sending, patient.ports.public)
      const answers = answersIn(text) ?? []
      deepEqual([closed, ...answers.map(({ status }) => status)], [true, 201], text)
      ok(/connection: close/i.test(answers[0]!.head))
    }
  })

  test('requests one after the other without waiting are answered in their order', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `pipe-${i}.`)
    const sending = { parts: [ids.map(canary).join('')], until: 'pipe-39.' }
    const { text } = await sendRaw(sending, patient.ports.public)
    const came = answersIn(`${text.slice(0, text.lastIndexOf('HTTP/1.1'))}`) ?? []
    deepEqual(
      came.map(({ head }) => /pipe-[0-9]+\./.exec(head)?.[0]),
      ids.slice(0, came.length),
    )
    ok(came.length >= 39)
  })

  test('a request that comes byte by byte is answered as if it came at once', async () => {
    const bytes = canary('slow-but-steady')
    const sending = { parts: [...bytes], pauseMs: 1, until: 'slow-but-steady' }
    const { text } = await sendRaw(sending, patient.ports.public)
    match(text, /^HTTP\/1\.1 200 /)
  })

  test('clients that leave in the middle, with a word or without, leave nothing behind', async () => {
    const cuts = recorded(RECORDING).flatMap((bytes) =>
      (['end', 'reset'] as const).map((leave) => ({
        parts: [bytes.slice(0, random.int(1, bytes.length - 1))],
        leave,
      })),
    )
    await Promise.all(cuts.map((cut) => sendRaw(cut)))
  })

  test('afterwards a fresh socket is served, none is left open, and nothing was thrown', async () => {
    equal((await call(bank.ports.public, 'GET', '/health')).status, 200)
    const open = () =>
      new Promise<number>((resolve, reject) =>
        bank.doors.public.server.getConnections((error, found) =>
          error === null ? resolve(found) : reject(error),
        ),
      )
    const until = Date.now() + PATIENCE_MS
    while ((await open()) > 0 && Date.now() < until) await sleep(50)
    equal(await open(), 0)
    deepEqual([...bank.lines, ...patient.lines], [])
    deepEqual(unhandled, [])
  })
})
