// What the gateway promises to every command: one effect, one answer, no lost update, no deadlock.
import { deepEqual, doesNotMatch, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { hash } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import canonicalize from 'canonicalize'
import { accept, aggregate, ask, command, reject } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { integer, object, optional, text } from '#kernel/schema.ts'
import { type EventLog, OutcomeUnknown } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { type CommandGateway, commandGateway } from './gateway.ts'
import { numberEvents, numbersFrom } from './number-series.ts'
import { type PersonalData, personalData } from './personal.ts'

const events = eventTypes({
  Opened: {
    data: object({ account: text(), holder: text(), number: integer() }),
    personal: { fields: ['holder'], subject: ({ account }: { account: string }) => account },
  },
  Moved: { data: object({ amount: integer() }) },
})
const account = aggregate({
  type: 'account',
  state_version: 1,
  events,
  initial: null as null | { holder: string; balance: number },
  evolve: {
    Opened: (_, { holder }) => ({ holder, balance: 0 }),
    Moved: (state, { amount }) => ({ holder: state!.holder, balance: state!.balance + amount }),
  },
})
const answer = object({ balance: integer() })

const commands = [
  command({
    type: 'Open',
    input: object({ account: optional(text()), holder: text(), email: optional(text()) }),
    creates: 'account',
    numbered: 'account',
    reads: ({ account: id }) => [account.at(id!)],
    decide: ({ account: id, holder, email }, given, moment) => {
      if (given.version(account.at(id!)) > 0) return reject('already_exists', 'It is open.')
      return accept(
        [
          account.write(id!, [
            account.event('Opened', { account: id!, holder, number: moment.number }),
          ]),
        ],
        { account: id, number: moment.number },
        email === undefined
          ? {}
          : { claims: [{ scope: 'email', value: email, owner: account.at(id!).stream }] },
      )
    },
    answer,
  }),
  command({
    type: 'Move',
    input: object({ account: text(), amount: integer() }),
    reads: ({ account: id }) => [account.at(id)],
    decide: ({ account: id, amount }, given) => {
      const state = given.state(account.at(id))
      if (state === null) return reject('not_found', 'No such account.')
      if (state.balance + amount < 0) return reject('business_rule_violated', 'Not enough money.')
      if (amount === 0) return accept([], { balance: state.balance })
      return accept([account.write(id, [account.event('Moved', { amount })])], {
        balance: state.balance + amount,
      })
    },
    answer,
  }),
  command({
    type: 'Transfer',
    input: object({ from: text(), to: text(), amount: integer({ min: 1 }) }),
    reads: ({ from }) => [account.at(from)],
    decide: ({ from, to, amount }, given) => {
      const missing = given.lacking([account.at(to)])
      if (missing.length > 0) return ask(missing)
      const [source, target] = [given.state(account.at(from)), given.state(account.at(to))]
      if (source === null || target === null) return reject('not_found', 'No such account.')
      if (source.balance < amount) return reject('business_rule_violated', 'Not enough money.')
      return accept(
        [
          account.write(from, [account.event('Moved', { amount: -amount })]),
          account.write(to, [account.event('Moved', { amount })]),
        ],
        { balance: source.balance - amount },
      )
    },
    answer,
  }),
  command({
    type: 'MoveByEmail',
    input: object({ email: text(), amount: integer() }),
    reads: () => [],
    names: ({ email }) => (email === 'unnamed' ? [] : [{ scope: 'email', value: email }]),
    decide: ({ email, amount }, given) => {
      const owner = given.owner({ scope: 'email', value: email })
      if (owner === null) return reject('not_found', 'Nobody has this address.')
      const ref = account.at(owner.slice('account-'.length))
      const missing = given.lacking([ref])
      if (missing.length > 0) return ask(missing)
      const { balance } = given.state(ref)!
      const moved = { stream: ref.stream, events: [account.event('Moved', { amount })] }
      return accept([moved], { balance: balance + amount })
    },
    answer,
  }),
]

describe('command gateway', () => {
  let log: EventLog
  let gateway: CommandGateway
  let personal: PersonalData
  let keys: KeyRing
  const types = { ...events, ...numberEvents }

  const gatewayOver = (over: EventLog) =>
    commandGateway({
      log: over,
      commands,
      types,
      personal,
      numbers: numbersFrom(over),
      now: () => new Date().toISOString(),
      settings: {},
    })
  const send = (...args: Parameters<CommandGateway['send']>) => gateway.send(...args)
  const balanceOf = async (id: string) =>
    (await log.readStream(`account-${id}`)).reduce(
      (sum, { data }) => sum + ((data as { amount?: number }).amount ?? 0),
      0,
    )

  beforeEach(async () => {
    log = await openEventLog()
    keys = await openKeyRing()
    personal = personalData(types, keys)
    gateway = gatewayOver(log)
    await send('Open', { account: 'a', holder: 'Ada' })
    await send('Open', { account: 'b', holder: 'Bob' })
  })

  test('an unknown command and unfit fields are refused, and nothing is stored', async () => {
    const before = (await log.head()).position
    const unknown = await send('Fly', {})
    ok(!unknown.ok && unknown.rejection.code === 'unknown_type')
    const unfit = await send('Move', { account: 7, amount: 1.5, extra: true })
    ok(!unfit.ok)
    deepEqual(Object.keys(unfit.rejection.errors ?? {}).sort(), ['account', 'amount', 'extra'])
    equal((await log.head()).position, before)
  })

  test('changes at the same moment lose nothing: 100 - 10 - 5 = 85', async () => {
    await send('Move', { account: 'a', amount: 100 })
    await Promise.all([-10, -5].map((amount) => send('Move', { account: 'a', amount })))
    equal(await balanceOf('a'), 85)
  })

  test('after an append of unknown outcome nothing is decided on what was before it', async () => {
    let losing = true
    const careless: EventLog = {
      ...log,
      capabilities: { ...log.capabilities, manyProcesses: false },
      async append(request) {
        const verdict = await log.append(request)
        if (!losing) return verdict
        losing = false
        throw new OutcomeUnknown('the answer was lost')
      },
    }
    const { send } = gatewayOver(careless)
    await rejects(send('Move', { account: 'a', amount: 100 }, { command_id: 'once' }))
    const spent = await send('Move', { account: 'a', amount: -100 })
    ok(spent.ok, 'the hundred is there')
    equal(await balanceOf('a'), 0)
  })

  test('200 takers of 50 get exactly 50', async () => {
    await send('Move', { account: 'a', amount: 50 })
    const race = Array.from({ length: 200 }, () => send('Move', { account: 'a', amount: -1 }))
    equal((await Promise.all(race)).filter((outcome) => outcome.ok).length, 50)
    equal(await balanceOf('a'), 0)
  })

  test('transfers both ways at once neither deadlock nor lose', async () => {
    await send('Move', { account: 'a', amount: 500 })
    await send('Move', { account: 'b', amount: 500 })
    const race = Array.from({ length: 100 }, (_, i) =>
      send(
        'Transfer',
        i % 2 === 0 ? { from: 'a', to: 'b', amount: 3 } : { from: 'b', to: 'a', amount: 2 },
      ),
    )
    for (const outcome of await Promise.all(race)) ok(outcome.ok)
    deepEqual([await balanceOf('a'), await balanceOf('b')], [450, 550])
  })

  test('with the version that the sender saw there is one try, and then the current version', async () => {
    const stale = await send('Move', { account: 'a', amount: 1 }, { expected_version: 9 })
    ok(!stale.ok)
    equal(stale.rejection.code, 'concurrency_conflict')
    deepEqual(stale.rejection.details, { current_version: 1 })
    const fresh = await send('Move', { account: 'a', amount: 1 }, { expected_version: 1 })
    ok(fresh.ok)
    equal(fresh.version, 2)
  })

  test('the same command id 20 times at once has one effect and one answer', async () => {
    const race = Array.from({ length: 20 }, () =>
      send('Move', { account: 'a', amount: 7 }, { command_id: 'k1' }),
    )
    const outcomes = await Promise.all(race)
    equal(await balanceOf('a'), 7)
    for (const outcome of outcomes) {
      ok(outcome.ok)
      deepEqual(
        [outcome.response, outcome.position, outcome.version],
        [{ balance: 7 }, (await log.head()).position, 2],
      )
    }
    equal(outcomes.filter((outcome) => outcome.ok && !outcome.replayed).length, 1)
  })

  test('an id made for the sender does not make the repeat another command', async () => {
    const first = await send('Open', { holder: 'Cy' }, { command_id: 'k2' })
    const again = await send('Open', { holder: 'Cy' }, { command_id: 'k2' })
    ok(first.ok && again.ok && again.replayed)
    deepEqual(again.response, first.response)
  })

  test('the same id with other content is refused', async () => {
    await send('Move', { account: 'a', amount: 7 }, { command_id: 'k3' })
    const other = await send('Move', { account: 'a', amount: 8 }, { command_id: 'k3' })
    ok(!other.ok)
    equal(other.rejection.code, 'idempotency_key_reused')
    equal(await balanceOf('a'), 7)
  })

  test('no guess fits what a repeat is known by, and another process knows the repeat', async () => {
    const input = { account: 'c', holder: 'Cy', email: 'cy@example.com' }
    const first = await send('Open', input, { command_id: 'k8' })
    ok(first.ok)
    const { fingerprint } = (await log.commandRecord('k8'))!
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      ok(!fingerprint.includes(hash('sha256', canonicalize({ type: 'Open', input })!, encoding)))
    personal = personalData(types, keys)
    const again = await gatewayOver(log).send('Open', input, { command_id: 'k8' })
    ok(again.ok && again.replayed)
    deepEqual(again.response, first.response)
    const other = await gatewayOver(log).send(
      'Open',
      { ...input, holder: 'C' },
      { command_id: 'k8' },
    )
    equal(other.ok || other.rejection.code, 'idempotency_key_reused')
  })

  test('a command that was recorded before that, with a plain hash, is repeatable too', async () => {
    const input = { account: 'a', amount: 7 }
    const fingerprint = hash('sha256', canonicalize({ type: 'Move', input })!, 'base64url')
    const command = { id: 'k9', fingerprint, response: { balance: 7 } }
    await log.append({ writes: [{ stream: 'account-a', expected: 1, events: [] }], command })
    const again = await send('Move', input, { command_id: 'k9' })
    ok(again.ok && again.replayed)
    deepEqual(again.response, { balance: 7 })
    const other = await send('Move', { ...input, amount: 8 }, { command_id: 'k9' })
    equal(other.ok || other.rejection.code, 'idempotency_key_reused')
    equal(await balanceOf('a'), 0)
  })

  test('a repeat that would be refused today still gets the answer of then', async () => {
    await send('Move', { account: 'a', amount: 5 })
    await send('Move', { account: 'a', amount: -5 }, { command_id: 'k4' })
    const again = await send('Move', { account: 'a', amount: -5 }, { command_id: 'k4' })
    ok(again.ok && again.replayed)
    equal(await balanceOf('a'), 0)
  })

  test('a refusal is not stored: the repeat is judged anew', async () => {
    const no = await send('Move', { account: 'a', amount: -5 }, { command_id: 'k5' })
    ok(!no.ok)
    await send('Move', { account: 'a', amount: 5 })
    const yes = await send('Move', { account: 'a', amount: -5 }, { command_id: 'k5' })
    ok(yes.ok && !yes.replayed)
  })

  test('a command that changed nothing is remembered too: its late repeat changes nothing', async () => {
    await send('Move', { account: 'a', amount: 0 }, { command_id: 'k6' })
    await send('Move', { account: 'a', amount: 9 })
    const again = await send('Move', { account: 'a', amount: 0 }, { command_id: 'k6' })
    ok(again.ok && again.replayed)
    deepEqual(again.response, { balance: 0 })
  })

  test('a decision finds who holds a unique value, as the log has it then', async () => {
    const move = (email: string) => send('MoveByEmail', { email, amount: 5 })
    const before = await move('c@example.com')
    ok(!before.ok && before.rejection.code === 'not_found')
    await send('Open', { account: 'c', holder: 'Cy', email: 'c@example.com' })
    const [one, two] = await Promise.all([move('c@example.com'), move('c@example.com')])
    ok(one.ok && two.ok)
    equal(await balanceOf('c'), 10)
    // Otherwise nobody would be told apart from not asked.
    await rejects(move('unnamed'), /did not name email unnamed/)
  })

  test('a claimed value is refused with its name', async () => {
    ok((await send('Open', { holder: 'Di', email: 'd@x.org' })).ok)
    const taken = await send('Open', { holder: 'Ed', email: 'd@x.org' })
    ok(!taken.ok)
    equal(taken.rejection.code, 'already_exists')
    deepEqual(taken.rejection.details, { scope: 'email', value: 'd@x.org' })
  })

  test('another writer behind our back costs a second look, not a wrong answer', async () => {
    const rival = gatewayOver(log)
    await send('Move', { account: 'a', amount: 10 })
    ok((await rival.send('Move', { account: 'a', amount: -8 })).ok)
    const late = await send('Move', { account: 'a', amount: 1 })
    ok(late.ok)
    deepEqual(late.response, { balance: 3 })
  })

  test('a snapshot of another shape is not used; a fresh gateway folds to the same state', async () => {
    for (let i = 0; i < 250; i++) await send('Move', { account: 'a', amount: 1 })
    await log.saveSnapshots([
      {
        stream: 'account-a',
        version: 251,
        state_version: 99,
        state: { holder: 'x', balance: 1e6 },
      },
    ])
    const outcome = await gatewayOver(log).send('Move', { account: 'a', amount: 1 })
    ok(outcome.ok)
    deepEqual(outcome.response, { balance: 251 })
  })

  test('snapshots come every hundred events and hold no name in clear', async () => {
    for (let i = 0; i < 120; i++) await send('Move', { account: 'a', amount: 1 })
    const [loaded] = await log.load([{ stream: 'account-a', after: 0, stateVersion: 1 }])
    equal(loaded?.snapshot?.version, 100)
    doesNotMatch(JSON.stringify(loaded?.snapshot), /"Ada\\*"/)
  })

  test('personal fields are sealed in the log and opened for those who may see', async () => {
    const [stored] = await log.readStream('account-a')
    doesNotMatch(JSON.stringify(stored), /"Ada\\*"/)
    const [opened] = await personal.open([stored!])
    equal((opened!.data as { holder: string }).holder, 'Ada')
    const moved = await personal.open([{ ...stored!, event_id: 'elsewhere' }])
    equal((moved[0]!.data as { holder: string | null }).holder, null)
  })

  test('numbers are unique across gateways, with gaps', async () => {
    const rival = gatewayOver(log)
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? send : rival.send)('Open', { holder: 'N' }),
      ),
    )
    const numbers = outcomes.map((outcome) => outcome.ok && outcome.response.number)
    equal(new Set(numbers).size, 40)
    notEqual(numbers[0], false)
  })
})
