// A list that lets its reader choose: `sort=-placed_at,order_number` and filters such as
// `placed_at[gte]=…` on the columns it offers, with paging. One line for whoever writes a query.
import { inUtc } from '#kernel/instants.ts'
import { paged, pageOf, paging } from './listing.ts'
import type { ColumnKind, Find, Found, Projection, Row, Sort, Specification } from './projection.ts'
import type { Reader } from './query.ts'
import {
  type Infer,
  instant,
  integer,
  list,
  day as ofDay,
  money as ofMoney,
  oneOf,
  optional,
  type Schema,
  text,
} from './schema.ts'
import { and } from './specification.ts'

/** Columns by their names inside; on the wire those of money have no `_minor`. */
export type Offered = {
  /**
   * Texts get `[in]` and `[contains]`; numbers, money, days and instants `[gt]`, `[gte]`, `[lt]`
   * and `[lte]`, numbers and days `[in]` too. Offer money only beside a parameter `currency`, by
   * which its decimals are read. A plain parameter, `status=…`, is the query's own.
   */
  readonly filters?: readonly string[]
  readonly sort: readonly string[]
  /** The order where none is asked for, as it would be asked for: `['-placed_at']`. */
  readonly standard: readonly string[]
}

/** Only the type: filters are read by their names, which the compiler need not know. */
const fieldTypes = { ...paging, sort: optional(list(oneOf([] as string[]))) }
type Input = {
  readonly [Name in keyof typeof paging]?: Infer<(typeof paging)[Name]> | undefined
} & { readonly sort?: readonly string[] | undefined }
export type ListOf = {
  /** Input fields: filters, `sort` and paging. The query's own may follow and take their place. */
  readonly fields: typeof fieldTypes
  /**
   * `where` holds beside the filters; `sort` is the order instead of the standard. `search` is a
   * text to search for: the best match first, unless the sender says in which order.
   */
  find(
    input: Input,
    more?: { where?: Specification; sort?: readonly Sort[]; search?: string | undefined },
  ): Find
  /** The answer of a query whose items are the rows themselves. */
  page(
    reader: Reader,
    input: Input,
    where?: Specification,
  ): Promise<ReturnType<typeof paged<Found['items'][number]>>>
}

export function listOf(projection: Projection, offered: Offered): ListOf {
  const { filters = [], sort, standard } = offered
  const kindOf = (name: string): ColumnKind => {
    const column = projection.table.columns[name]
    if (column === undefined) throw new Error(`${projection.name} has no column ${name} to offer`)
    return typeof column === 'string' ? column : column.kind
  }
  const fields = filters.flatMap((column) => filterFields(projection, column, kindOf(column)))
  const columns = new Map(sort.map((name) => [onTheWire(name, kindOf(name)), name]))
  const names = [...columns.keys()]
  const sorts = [...names, ...names.map((name) => `-${name}`)]
  const sortOf = (asked: string): Sort => {
    const column = columns.get(asked.replace(/^-/, ''))
    if (column === undefined)
      throw new Error(`${projection.name} does not offer to sort by ${asked}`)
    return { column, descending: asked.startsWith('-') }
  }
  const usual = standard.map(sortOf)

  const find: ListOf['find'] = (input, { where, sort = usual, search } = {}) => {
    const given = input as Readonly<Record<string, unknown>>
    const asked = fields
      .filter(({ name }) => given[name] !== undefined)
      .map(({ name, column, operator, read }) => ({ [column]: { [operator]: read(given[name]) } }))
    const all = [...(where === undefined ? [] : [where]), ...asked]
    return {
      // Each as it is where there is only one, which is what most ask for.
      ...(all.length === 0 ? {} : { where: all.length === 1 ? all[0]! : and(...all) }),
      ...(search === undefined
        ? {}
        : { search: { text: search, ranked: input.sort === undefined } }),
      sort: input.sort === undefined ? sort : input.sort.map(sortOf),
      ...pageOf(input),
    }
  }
  return {
    fields: {
      ...Object.fromEntries(fields.map(({ name, schema }) => [name, optional(schema)])),
      sort: optional(
        list(oneOf(sorts), {
          min: 1,
          max: names.length,
          description: `With - before it: descending. Default: ${standard.join(',')}.`,
        }),
      ),
      ...paging,
    },
    find,
    page: async (reader, input, where) =>
      paged(
        await reader.find(projection, find(input, where === undefined ? {} : { where })),
        input,
      ),
  }
}

// ── filters ───────────────────────────────────────────────────────────────────────────────────

type FilterField = {
  /** `placed_at[gte]`. */
  readonly name: string
  readonly column: string
  readonly operator: string
  readonly schema: Schema
  /** The value as rows hold it. */
  readonly read: (value: unknown) => Row[string]
}

const SIDES = ['gt', 'gte', 'lt', 'lte']
const LISTED_MAX = 100
const TEXT_MAX = 200

const asIs = (value: unknown) => value as Row[string]
/** Rows tell instants in UTC, and compare as texts. */
const instantIn = (value: unknown) => inUtc(value as string)

const KINDS: Partial<
  Record<ColumnKind, { schema: Schema; operators: readonly string[]; read?: FilterField['read'] }>
> = {
  text: { schema: text({ min: 0, max: TEXT_MAX }), operators: ['in', 'contains'] },
  int: { schema: integer(), operators: [...SIDES, 'in'] },
  money: { schema: ofMoney(), operators: SIDES },
  instant: { schema: instant(), operators: SIDES, read: instantIn },
  day: { schema: ofDay(), operators: [...SIDES, 'in'] },
}

function filterFields(
  { name }: Projection,
  column: string,
  kind: ColumnKind,
): readonly FilterField[] {
  const known = KINDS[kind]
  // A flag has no more than its own parameter, and quantities count in steps of their product.
  if (known === undefined) throw new Error(`${name}.${column} is ${kind}: no filter to offer`)
  const { schema, operators, read = asIs } = known
  return operators.map((operator) => ({
    name: `${column}[${operator}]`,
    column,
    operator,
    schema: operator === 'in' ? list(schema, { min: 1, max: LISTED_MAX }) : schema,
    read,
  }))
}

const onTheWire = (name: string, kind: ColumnKind) =>
  kind === 'money' ? name.replace(/_minor$/, '') : name
