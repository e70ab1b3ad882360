// Customers, users and the tills, in words. What somebody typed about a person is not among them.
import { customer } from '#contexts/customers/public.ts'
import { looseRefund, register, sale } from '#contexts/sales/public.ts'
import { user } from '#contexts/users/public.ts'
import { because, count, fieldsOf, type Words, wordsFor } from './words.ts'

const limit = (limit_minor: number | null, money: (minor: number) => string) =>
  limit_minor === null ? 'no limit' : `a limit of ${money(limit_minor)}`

const CAUSES = {
  sale: 'bought on account',
  refund: 'given back on account',
  payment: 'paid off',
  adjustment: 'corrected',
} as const

const customerWords: Words = wordsFor(customer, {
  CustomerRegistered: ({ credit_limit_minor }, { money }) =>
    `Registered, with ${limit(credit_limit_minor, money)} on account`,
  CustomerAccountOpened: () => 'Account opened for somebody who was not registered here',
  CustomerUpdated: (data) => `Changed: ${fieldsOf(data, ['customer_id', 'email_claim'])}`,
  CreditLimitChanged: ({ previous_limit_minor, credit_limit_minor }, { money }) =>
    `From ${limit(previous_limit_minor, money)} on account to ${limit(credit_limit_minor, money)}`,
  CustomerBalanceChanged: ({ change_minor, balance_minor, cause, reference }, { money }) =>
    `${money(Math.abs(change_minor))} ${CAUSES[cause]}${because(reference)}; ` +
    `owes ${money(balance_minor)}`,
  CustomerArchived: () => 'Archived',
  CustomerRestored: () => 'Restored',
  CustomerErased: () => 'Erased: what told of this person cannot be read any more',
})

const userWords: Words = wordsFor(user, {
  UserCreated: () => 'User created',
  UserUpdated: (data) => `Changed: ${fieldsOf(data, ['user_id', 'email_claim'])}`,
  UserDeleted: () => 'User deleted',
  UserErased: () => 'Erased: what told of this person cannot be read any more',
})

const refundWords = wordsFor(looseRefund, {
  SaleRefunded: ({ refund_number, lines, total_amount_minor, cause }, { money }) =>
    `${money(total_amount_minor)} given back for ${count(lines, 'line')}, ` +
    `receipt ${refund_number}${because(cause)}`,
  SaleDoubtsSettled: ({ note }) => `What was doubtful is settled${because(note)}`,
})

const saleWords: Words = {
  ...wordsFor(sale, {
    SaleStarted: ({ register_id }) => `Sale begun at register ${register_id}`,
    SaleItemAdded: ({ code, name, quantity, quantity_scale }, { units }) =>
      `Rung up: ${units(quantity)} × ${name} (${code})${quantity_scale === 0 ? '' : ' by measure'}`,
    SaleItemRemoved: ({ line }) => `Line ${line} taken off`,
    SaleSuspended: ({ reason }) => `Put aside${because(reason)}`,
    SaleResumed: ({ register_id }) => `Goes on at register ${register_id}`,
    SaleCompleted: ({ sale_number, lines, total_amount_minor, payment_type }, { money }) =>
      `Receipt ${sale_number}: ${count(lines, 'line')}, ${money(total_amount_minor)}, ` +
      `paid by ${payment_type.replaceAll('_', ' ')}`,
    SaleVoided: ({ reason }) => `Voided${because(reason)}`,
    // The same event, whether or not there was a sale.
    SaleRefunded: (data, say) => refundWords.SaleRefunded!(data as never, say),
    SaleDoubtsSettled: (data, say) => refundWords.SaleDoubtsSettled!(data as never, say),
  }),
  ...refundWords,
}

const registerWords: Words = wordsFor(register, {
  RegisterEntryMade: ({ entry, document_number }) =>
    `${entry === 'sale' ? 'Sale' : 'Refund'} ${document_number} booked`,
  CashSessionOpened: ({ float_minor }, { money }) => `Opened with ${money(float_minor)} of change`,
  CashMoved: ({ amount_minor, reason }, { money }) =>
    `${money(Math.abs(amount_minor))} ${amount_minor < 0 ? 'taken out' : 'put in'}${because(reason)}`,
  CashSessionClosed: ({ expected_minor, counted_minor }, { money }) =>
    `Closed: ${money(counted_minor)} counted, ${money(expected_minor)} expected`,
  CashDifferenceFound: ({ difference_minor, is_short }, { money }) =>
    `${money(Math.abs(difference_minor))} too ${is_short ? 'little' : 'much'} in the drawer`,
})

export const wordsOfPeople: Words = {
  ...customerWords,
  ...userWords,
  ...saleWords,
  ...registerWords,
}
