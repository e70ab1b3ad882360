// Texts that become longer, or break, on their way into the book: refused by their field's name or
// kept, and never a failure of ours.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ModelShop, openShop } from './model-shop.ts'

/** In the one spelling that is kept it is three characters. */
const GROWING = '\ufb2c'
let shop: ModelShop
before(async () => {
  shop = await openShop('memory', {})
})
after(() => shop[Symbol.asyncDispose]())

const errorsOf = async (type: string, input: object) => {
  const outcome = await shop.send(type, input)
  return outcome.ok ? {} : (outcome.rejection.errors ?? { '': outcome.rejection.code })
}
const made = async (type: string, input: object) => {
  const outcome = await shop.send(type, input)
  ok(outcome.ok, JSON.stringify(outcome))
  return outcome.response as Record<string, string>
}
const tooLong = (field: string, most: number) => ({
  [field]: `must have at most ${most} characters`,
})

test('a text that is too long only as it is kept is refused by its field’s name', async () => {
  const most = { code: 100, name: 300, description: 5_000 }
  const { product_id } = await made('CreateProduct', { code: 'CUP', name: 'Cup', sell_price: '1' })
  for (const [field, max] of Object.entries(most)) {
    const wrong = { [field]: GROWING.repeat(max) }
    const creating = { name: 'Cup', sell_price: '1', ...wrong }
    deepEqual(await errorsOf('CreateProduct', creating), tooLong(field, max))
    deepEqual(await errorsOf('UpdateProduct', { product_id, ...wrong }), tooLong(field, max))
  }
  const { department_id } = await made('CreateDepartment', { name: 'Kitchen' })
  const { unit_id } = await made('CreateUnit', { name: 'piece' })
  const { customer_id } = await made('RegisterCustomer', { name: 'Ann' })
  const user = { name: 'Ann', email: 'ann@example.com', age: 30 }
  const { user_id } = await made('CreateUser', user)
  const named = [
    ['CreateDepartment', {}, 200],
    ['RenameDepartment', { department_id }, 200],
    ['CreateUnit', {}, 100],
    ['UpdateUnit', { unit_id }, 100],
    ['RegisterCustomer', {}, 200],
    ['UpdateCustomer', { customer_id }, 200],
    ['UpdateUser', { user_id }, 200],
  ] as const
  // The shop's own rules for users say less, and more of it.
  for (const [type, more, max] of named) {
    // The standard rules for users take no more than 100.
    const wrong = { ...more, name: GROWING.repeat(Math.min(max, 100)) }
    deepEqual(await errorsOf(type, wrong), tooLong('name', max), type)
  }
  const email = `${'\u0958'.repeat(310)}@x.com`
  ok('email' in (await errorsOf('CreateUser', { ...user, email })))
  ok('email' in (await errorsOf('RegisterCustomer', { name: 'Ann', email })))
})

test('a name that is the beginning of a description has no half character at its end', async () => {
  const description = `${'x'.repeat(299)}😀😀`
  const { name } = await made('CreateProduct', { description, sell_price: '1' })
  equal(name, `${'x'.repeat(299)}\ufffd`)
})

test('two codes, or two addresses, are not told apart by what nobody sees', async () => {
  for (const code of ['A\u200b1', 'A\u202e1', 'A\t1'])
    deepEqual(await errorsOf('CreateProduct', { code, name: 'Cup', sell_price: '1' }), {
      code: 'holds what cannot be seen',
    })
  const email = 'a\u00adnn@example.com'
  const wrong = { email: 'must be an e-mail address' }
  deepEqual(await errorsOf('RegisterCustomer', { name: 'Ann', email }), wrong)
  deepEqual(await errorsOf('CreateUser', { name: 'Ann', email, age: 30 }), wrong)
})
