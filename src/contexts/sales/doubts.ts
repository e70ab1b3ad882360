// What contradicts the book in a sale or refund that happened already. It is booked all the same;
// its document says what is doubtful, and is on a list until somebody has looked.
import { ACCOUNT_WARNINGS } from '#contexts/customers/public.ts'
import { list, oneOf, optional } from '#kernel/schema.ts'

export const DOUBTS = [
  'product_unknown',
  'product_archived',
  'product_code_differs',
  'product_currency_differs',
  'currency_not_taken',
  'store_unknown',
  'store_closed',
  'sale_was_suspended',
  'sale_was_voided',
  'tender_unknown',
  'paid_otherwise',
  'debtor_unknown',
  'account_currency_differs',
  ...ACCOUNT_WARNINGS,
  'came_back_already',
  'more_paid_out_than_paid',
  'refund_not_allowed',
] as const
export type Doubt = (typeof DOUBTS)[number]
/** Why what is on credit stands in the document, and on no account. */
export const OFF_ACCOUNT: readonly Doubt[] = ['debtor_unknown', 'account_currency_differs']

export const doubtList = list(oneOf(DOUBTS), { max: DOUBTS.length })
export const doubtsField = optional(doubtList)

/** Each once, in the order of the list; a document without any does not speak of them. */
export function doubtful(...found: readonly (readonly Doubt[])[]): { doubts?: Doubt[] } {
  const all = new Set(found.flat())
  return all.size === 0 ? {} : { doubts: DOUBTS.filter((doubt) => all.has(doubt)) }
}
