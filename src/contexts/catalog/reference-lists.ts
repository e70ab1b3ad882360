// Departments and units, one row each, and their lists.
import { pageAnswer, paged, pageOf, paging } from '#kernel/listing.ts'
import { type Projection, projection } from '#kernel/projection.ts'
import { type Query, query } from '#kernel/query.ts'
import { flag, id, instant, integer, nullable, object, optional, text } from '#kernel/schema.ts'
import type { DepartmentState } from './department.ts'
import type { UnitState } from './unit.ts'

type Times = {
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}
const times = { created_at: 'instant', updated_at: 'instant', version: 'int' } as const

export const departments = projection<DepartmentState & Times & { department_id: string }>({
  name: 'departments',
  version: 1,
  table: {
    name: 'departments',
    key: 'department_id',
    columns: { department_id: 'text', name: 'text', is_active: 'bool', ...times },
    indexes: [['is_active', 'name']],
  },
  on: {
    DepartmentCreated: {
      keys: ({ data }) => [data.department_id],
      apply: (_, { data, timestamp, version }) => ({
        ...data,
        is_active: true,
        created_at: timestamp,
        updated_at: timestamp,
        version,
      }),
    },
    DepartmentRenamed: {
      keys: ({ data }) => [data.department_id],
      apply: (row, { data, timestamp, version }) =>
        row && { ...row, name: data.name, updated_at: timestamp, version },
    },
    DepartmentArchived: {
      keys: ({ data }) => [data.department_id],
      apply: (row, { timestamp, version }) =>
        row && { ...row, is_active: false, updated_at: timestamp, version },
    },
  },
  sources: (key) => [`department-${key}`],
})

export const units = projection<UnitState & Times & { unit_id: string }>({
  name: 'units',
  version: 1,
  table: {
    name: 'units',
    key: 'unit_id',
    columns: {
      unit_id: 'text',
      name: 'text',
      symbol: { kind: 'text', nullable: true },
      precision: 'int',
      is_active: 'bool',
      ...times,
    },
    indexes: [['is_active', 'name']],
  },
  on: {
    UnitCreated: {
      keys: ({ data }) => [data.unit_id],
      apply: (_, { data, timestamp, version }) => ({
        ...data,
        is_active: true,
        created_at: timestamp,
        updated_at: timestamp,
        version,
      }),
    },
    UnitUpdated: {
      keys: ({ data }) => [data.unit_id],
      apply: (row, { data, timestamp, version }) =>
        row && { ...row, ...data, updated_at: timestamp, version },
    },
    UnitArchived: {
      keys: ({ data }) => [data.unit_id],
      apply: (row, { timestamp, version }) =>
        row && { ...row, is_active: false, updated_at: timestamp, version },
    },
  },
  sources: (key) => [`unit-${key}`],
})

const shownTimes = {
  created_at: instant(),
  updated_at: instant(),
  version: integer(),
  stale: optional(flag()),
}
const listed = {
  include_inactive: optional(flag()),
  ...paging,
}

const listOf = (list: Projection) =>
  ({
    input: object(listed),
    run: async (input, reader) => {
      const found = await reader.find(list, {
        ...(input.include_inactive ? {} : { where: { is_active: true } }),
        sort: [{ column: 'name' }],
        ...pageOf(input),
      })
      return paged(found, input)
    },
  }) satisfies Pick<Query<ReturnType<typeof object<typeof listed>>>, 'input' | 'run'>

export const referenceQueries: readonly Query[] = [
  query({
    type: 'ListDepartments',
    ...listOf(departments),
    answer: pageAnswer(
      object({ department_id: id(), name: text(), is_active: flag(), ...shownTimes }),
    ),
    route: {
      method: 'GET',
      path: '/api/v1/departments',
      tag: 'catalog',
      summary: 'Departments, by name',
    },
  }),
  query({
    type: 'ListUnits',
    ...listOf(units),
    answer: pageAnswer(
      object({
        unit_id: id(),
        name: text(),
        symbol: nullable(text()),
        precision: integer(),
        is_active: flag(),
        ...shownTimes,
      }),
    ),
    route: { method: 'GET', path: '/api/v1/units', tag: 'catalog', summary: 'Units, by name' },
  }),
]
