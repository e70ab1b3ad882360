// Customers in files: registered or changed by their id, or by their e-mail where the file has no
// ids. What they owe is a ledger of its own and in no file.
import { type CustomerRow, customers as customerTable } from '#contexts/customers/customer-list.ts'
import { CUSTOMER_EMAIL } from '#contexts/customers/register-customer.ts'
import { emailClaim } from '#contexts/users/public.ts'
import { exponentOf, unscaled } from '#kernel/money.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Fields } from './columns.ts'
import {
  type Brought,
  type Kind,
  type Page,
  pageOf,
  picked,
  RowRefused,
  type RowTools,
  refuseRow,
} from './kind.ts'

export const customers: Kind = {
  name: 'customers',
  columns: [
    { name: 'customer_id', kind: 'text', aliases: ['id'] },
    { name: 'name', kind: 'text' },
    { name: 'email', kind: 'text' },
    { name: 'phone', kind: 'text' },
    { name: 'addresses', kind: 'json' },
    { name: 'notes', kind: 'text' },
    { name: 'currency', kind: 'text' },
    { name: 'credit_limit', kind: 'decimal' },
    { name: 'is_active', kind: 'flag' },
  ],
  keyOf: ({ customer_id, email }) =>
    customer_id == null
      ? `@${String(email ?? '')
          .trim()
          .toLowerCase()}`
      : String(customer_id),
  async bring(fields, tools) {
    if (fields.customer_id == null && fields.email == null)
      throw refuseRow({ customer_id: 'is required, or email' })
    const customer_id = fields.customer_id ?? (await holderOf(String(fields.email), tools))
    const known = customer_id === null ? null : await standingOf(String(customer_id), fields, tools)
    if (known !== null && !(await tools.wasSent('create')))
      return await changed(known, fields, tools)
    const made = known ?? (await registered(customer_id, fields, tools))
    if (fields.is_active === false) await tools.send('archive', 'ArchiveCustomer', made)
    return 'created'
  },
  page: exported,
}

const PROFILE = ['name', 'email', 'phone', 'addresses', 'notes']
type Known = { readonly customer_id: string }

async function holderOf(email: string, tools: RowTools): Promise<string | null> {
  const value = emailClaim({ blind: await tools.blinder() }, CUSTOMER_EMAIL, email)
  return value === null ? null : await tools.owner({ scope: CUSTOMER_EMAIL, value })
}

/** A change of nothing tells whether there is such a customer; null: there is none. */
async function standingOf(
  customer_id: string,
  { currency, is_active }: Fields,
  tools: RowTools,
): Promise<Known | null> {
  const known = { customer_id }
  // Whoever is archived is not changed: brought back first, archived again behind it.
  if (is_active !== undefined && !(await asked('restore', 'RestoreCustomer', known, tools)))
    return null
  const standing = await asked('look', 'UpdateCustomer', known, tools)
  if (standing === null) return null
  if (currency != null && standing.currency !== currency)
    throw refuseRow({ currency: 'is another for this customer, for ever' })
  return known
}

/** null: there is no such thing. */
async function asked(name: string, type: string, input: Known, { send }: RowTools) {
  try {
    return await send(name, type, input)
  } catch (error) {
    if (error instanceof RowRefused && error.rejection.code === 'not_found') return null
    throw error
  }
}

async function registered(customer_id: unknown, fields: Fields, tools: RowTools): Promise<Known> {
  if (fields.name == null)
    throw refuseRow({ name: 'is required for a customer that is not there yet' })
  const made = await tools.send('create', 'RegisterCustomer', {
    ...(customer_id === null ? {} : { customer_id }),
    ...picked(fields, [...PROFILE, 'currency', 'credit_limit']),
  })
  return { customer_id: String(made.customer_id) }
}

async function changed(known: Known, fields: Fields, tools: RowTools): Promise<Brought> {
  const profile = picked(fields, PROFILE)
  if (Object.keys(profile).length > 0)
    await tools.send('update', 'UpdateCustomer', { ...known, ...profile })
  const { credit_limit } = fields
  if (credit_limit !== undefined)
    await tools.send('limit', 'SetCreditLimit', { ...known, credit_limit })
  if (fields.is_active === false) await tools.send('archive', 'ArchiveCustomer', known)
  return 'updated'
}

// ── out ───────────────────────────────────────────────────────────────────────────────────────

async function exported(reads: Pick<ReadModels, 'find'>, cursor: string | null): Promise<Page> {
  // Who is not registered has no name to be registered by.
  const where = { is_erased: false, is_incomplete: false }
  const { rows, next } = await pageOf<CustomerRow>(customerTable, { reads, cursor }, { where })
  return { next, rows: rows.map(fieldsOf) }
}

function fieldsOf({ credit_limit_minor, currency, ...row }: CustomerRow): Fields {
  const limit =
    credit_limit_minor === null ? null : unscaled(credit_limit_minor, exponentOf(currency))
  return { ...picked(row, ['customer_id', ...PROFILE, 'is_active']), currency, credit_limit: limit }
}
