// A tiny bank for the tests of this folder: every kind of route and field over the real gateway.
import {
  accept,
  aggregate,
  type Command,
  command,
  invalid,
  type Route,
  reject,
} from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import { type Query, query } from '#kernel/query.ts'
import {
  day,
  decimal,
  flag,
  id,
  integer,
  json,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
  text,
  uuid,
} from '#kernel/schema.ts'
import { commandGateway, type GatewayParts } from '#runtime/gateway.ts'
import { numberEvents, numbersFrom } from '#runtime/number-series.ts'
import { personalData } from '#runtime/personal.ts'
import type { Ask } from './query-endpoints.ts'

export type Log = GatewayParts['log']
export type Keys = Parameters<typeof personalData>[1]

const events = eventTypes({
  AccountOpened: {
    data: object({ account_id: uuid(), owner: text(), currency: text(), code: nullable(text()) }),
  },
  AmountMoved: { data: object({ amount_minor: integer(), note: nullable(text()) }) },
  AccountClosed: { data: object({}) },
})
type State = {
  readonly owner: string
  readonly currency: string
  readonly balance_minor: number
  readonly closed: boolean
}
export const account = aggregate({
  type: 'account',
  state_version: 1,
  events,
  initial: null as State | null,
  evolve: {
    AccountOpened: (_, { owner, currency }) => ({
      owner,
      currency,
      balance_minor: 0,
      closed: false,
    }),
    AmountMoved: (state, { amount_minor }) => ({
      ...state!,
      balance_minor: state!.balance_minor + amount_minor,
    }),
    AccountClosed: (state) => ({ ...state!, closed: true }),
  },
})

const route = (method: Route['method'], path: string, more: Partial<Route> = {}): Route => ({
  method,
  path: `/api/v1/${path}`,
  tag: 'accounts',
  summary: `${method} ${path}`,
  ...more,
})

const moved = object({
  account_id: uuid(),
  balance_minor: money(),
  currency: text(),
  note: nullable(text()),
})

const open = command({
  type: 'OpenAccount',
  input: object({
    account_id: optional(uuid()),
    owner: text({ max: 20, description: 'Whose it is.' }),
    currency: oneOf(['USD', 'JPY', 'KWD']),
    code: optional(text({ aliases: ['sku', 'number'] })),
    attributes: optional(json()),
  }),
  creates: 'account_id',
  reads: ({ account_id }) => [account.at(account_id!)],
  decide: ({ account_id, owner, currency, code = null }, given) => {
    const id = account_id!
    if (given.version(account.at(id)) > 0) return reject('already_exists', 'It is open already.')
    const opened = account.event('AccountOpened', { account_id: id, owner, currency, code })
    return accept([account.write(id, [opened])], { account_id: id, secret: 'stays inside' })
  },
  answer: object({ account_id: uuid() }),
  route: route('POST', 'accounts', { status: 201, aliases: ['/accounts'] }),
})

const deposit = command({
  type: 'Deposit',
  input: object({ account_id: uuid(), amount: decimal(), note: optional(text()) }),
  reads: ({ account_id }) => [account.at(account_id)],
  decide: ({ account_id, amount, note = null }, given) => {
    const state = given.state(account.at(account_id))
    if (state === null) return reject('not_found', 'There is no such account.')
    if (note === 'break') throw new Error('SELECT * FROM secrets in /var/lib/daybook')
    const { currency } = state
    const exact = scaled(amount, exponentOf(currency))
    if (!exact.ok) return invalid({ amount: exact.reason })
    const balance_minor = state.balance_minor + exact.value
    return accept(
      [
        account.write(account_id, [
          account.event('AmountMoved', { amount_minor: exact.value, note }),
        ]),
      ],
      { account_id, balance_minor, currency, note },
    )
  },
  answer: moved,
  route: route('POST', 'accounts/:account_id/deposits', { status: 201 }),
})

const transfer = command({
  type: 'Transfer',
  input: object({
    from: uuid(),
    lines: list(object({ to: uuid(), amount: decimal(), label: optional(text()) }), {
      min: 1,
      max: 50,
    }),
  }),
  reads: ({ from, lines }) => [account.at(from), ...lines.map(({ to }) => account.at(to))],
  decide: (_, __) =>
    reject('insufficient_stock', 'There is not enough.', {
      details: { lines: [{ requested: 3, available: 1 }], status: 'pretender' },
    }),
  answer: object({}),
  route: route('PATCH', 'accounts/transfers'),
})

const close = command({
  type: 'CloseAccount',
  input: object({ account_id: uuid(), force: optional(flag()) }),
  reads: ({ account_id }) => [account.at(account_id)],
  decide: ({ account_id, force = false }, given) => {
    const state = given.state(account.at(account_id))
    if (state === null) return reject('not_found', 'There is no such account.')
    if (state.balance_minor > 0 && !force) return reject('invalid_state', 'It is not empty.')
    return accept([account.write(account_id, [account.event('AccountClosed', {})])], {})
  },
  answer: object({}),
  route: route('DELETE', 'accounts/:account_id'),
})

const freeze = command({
  type: 'FreezeAccount',
  input: object({ account_id: id() }),
  reads: ({ account_id }) => [account.at(account_id)],
  decide: () => reject('a_rule_of_its_own', 'Frozen accounts are not known yet.'),
  answer: object({}),
  route: route('POST', 'admin/accounts/:account_id/freeze'),
})
export const commands: readonly Command[] = [open, deposit, transfer, close, freeze]

const queries = (log: Log): readonly Query[] => {
  const stateOf = async (account_id: string) => {
    const recorded = await log.readStream(account.at(account_id).stream)
    let state: State | null = account.initial
    for (const event of recorded)
      state = account.evolve[event.event_type as 'AmountMoved'](state, event.data as never, event)
    return state && { ...state, account_id, version: recorded.length, unnamed: 'stays inside' }
  }
  return [
    query({
      type: 'GetAccount',
      input: object({ account_id: uuid() }),
      run: ({ account_id }) => stateOf(account_id),
      answer: nullable(
        object({
          account_id: uuid(),
          owner: text(),
          currency: text(),
          balance_minor: money(),
          closed: flag(),
          version: integer(),
        }),
      ),
      route: route('GET', 'accounts/:account_id'),
    }),
    query({
      type: 'ListAccounts',
      input: object({
        owner: optional(text()),
        since: optional(day()),
        closed: optional(flag()),
        sizes: optional(list(integer())),
        limit: optional(integer({ min: 1, max: 1000 })),
        offset: optional(integer({ min: 0 })),
        cursor: optional(text()),
      }),
      run: async ({ limit = 50, offset = 0 }) => {
        const opened = (await log.readAll(0, 10_000)).filter(
          (one) => one.event_type === 'AccountOpened',
        )
        const items = opened.slice(offset, offset + limit).map(({ aggregate_id, data }) => ({
          account_id: aggregate_id,
          currency: (data as { currency: string }).currency,
          lines: [{ quantity: 1500, price_minor: 1990 }],
          quantity_scale: 3,
          stale: true,
        }))
        return { items, total: opened.length, limit, offset, next_cursor: null }
      },
      answer: object({
        items: list(
          object({
            account_id: uuid(),
            currency: text(),
            lines: list(object({ quantity: quantity(), price_minor: money() })),
          }),
        ),
        total: integer(),
        limit: integer(),
        offset: integer(),
        next_cursor: nullable(text()),
      }),
      route: route('GET', 'accounts'),
    }),
    query({
      type: 'ListByStatus',
      input: object({ status: oneOf(['open', 'closed']) }),
      run: async () => [],
      answer: list(object({ account_id: uuid() })),
      route: route('GET', 'accounts/status/:status'),
    }),
  ]
}

export const types = { ...events, ...numberEvents }

/** The bank over a log: commands through the real gateway, queries folded from the log itself. */
export function bank(log: Log, keys: Keys) {
  const { send } = commandGateway({
    log,
    commands,
    types,
    personal: personalData(types, keys),
    numbers: numbersFrom(log),
    now: () => new Date().toISOString(),
    settings: {},
  })
  const asked = new Map(queries(log).map((one) => [one.type, one]))
  const ask: Ask = async (type, input, { minPosition = 0 } = {}) => {
    if (minPosition > (await log.head()).position)
      return { ok: false, rejection: { code: 'projection_lagging', message: 'Not so far yet.' } }
    return { ok: true, result: await asked.get(type)!.run(input as never, {} as never) }
  }
  return { commands, queries: [...asked.values()], send, ask }
}
