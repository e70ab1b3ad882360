// A bank account, event-sourced, in one file: run it twice, and nobody is paid twice.
import * as d from 'daybook/kernel'
import { runApplication } from 'daybook/runtime'
import { openEventLog, openKeyRing, openReadModels } from 'daybook/sqlite'

// #region rules
const movement = d.object({ account_id: d.id(), amount_minor: d.integer({ min: 1 }) })

const account = d.aggregate({
  type: 'account',
  state_version: 1,
  events: d.eventTypes({ MoneyDeposited: { data: movement }, MoneyWithdrawn: { data: movement } }),
  initial: 0,
  evolve: {
    MoneyDeposited: (balance, { amount_minor }) => balance + amount_minor,
    MoneyWithdrawn: (balance, { amount_minor }) => balance - amount_minor,
  },
})

const movingMoney = {
  input: movement,
  reads: ({ account_id }: { account_id: string }) => [account.at(account_id)],
  answer: d.object({}),
}
const deposit = d.command({
  ...movingMoney,
  type: 'Deposit',
  decide: (data) =>
    d.accept([account.write(data.account_id, [account.event('MoneyDeposited', data)])], {}),
})
const withdraw = d.command({
  ...movingMoney,
  type: 'Withdraw',
  decide(data, given) {
    const balance = given.state(account.at(data.account_id))
    if (data.amount_minor > balance) return d.reject('overdrawn', `There is only ${balance}.`)
    return d.accept([account.write(data.account_id, [account.event('MoneyWithdrawn', data)])], {})
  },
})
// #endregion

type Balance = { account_id: string; balance_minor: number; movements: number }
type Movement = d.Recorded<{ account_id: string; amount_minor: number }>
const moved = (sign: 1 | -1) => ({
  keys: ({ data }: Movement) => [data.account_id],
  apply: (row: Balance | undefined, { data }: Movement) => ({
    account_id: data.account_id,
    balance_minor: (row?.balance_minor ?? 0) + sign * data.amount_minor,
    movements: (row?.movements ?? 0) + 1,
  }),
})
const balances = d.projection<Balance>({
  name: 'balances',
  version: 1,
  table: {
    name: 'balances',
    key: 'account_id',
    columns: { account_id: 'text', balance_minor: 'money', movements: 'int' },
  },
  on: { MoneyDeposited: moved(1), MoneyWithdrawn: moved(-1) },
})
const getBalance = d.query({
  type: 'GetBalance',
  input: d.object({ account_id: d.id() }),
  run: ({ account_id }, reader) => reader.get(balances, account_id),
  answer: d.json(),
})

const bank: d.Context = {
  name: 'bank',
  aggregates: [account],
  commands: [deposit, withdraw],
  projections: [balances],
  queries: [getBalance],
}

const log = await openEventLog({ path: 'bank.db' })
const reads = await openReadModels({ path: 'bank-views.db' })
const keys = await openKeyRing({ path: 'bank-keys.db' })
const app = await runApplication({ contexts: [bank], log, reads, keys })

const ada = { account_id: 'ada' }
await app.send('Deposit', { ...ada, amount_minor: 10_000 }, { command_id: 'salary-may' })
const paid = await app.send('Withdraw', { ...ada, amount_minor: 2_500 }, { command_id: 'rent-may' })
const refused = await app.send('Withdraw', { ...ada, amount_minor: 9_000 })
console.log(refused.ok ? 'paid' : refused.rejection.message)

// Reads its own write: the answer is at least as new as the rent.
const minPosition = paid.ok ? paid.position : 0
const answer = await app.ask('GetBalance', ada, { minPosition })
console.log(answer.ok ? answer.result : answer.rejection)

await app.stop()
for (const store of [keys, reads, log]) await store.close()

// Prints:
// There is only 7500.
// { account_id: 'ada', balance_minor: 7500, movements: 2 }
