// A department: where a product belongs. Stream: department-<department_id>. Its name is unique.
import {
  accept,
  aggregate,
  already,
  type Command,
  command,
  type Given,
  invalid,
  type Named,
  noSuch,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { flag, id, object, optional, text, uuid } from '#kernel/schema.ts'
import { tidied } from '#kernel/tidied.ts'
import { nameClaim, nameOf, nameTrouble, renaming } from './named.ts'

export type DepartmentState = { readonly name: string; readonly is_active: boolean }
export type Department = DepartmentState | null

const NAME_MAX = 200
const SCOPE = 'department_name'
/** What an active department of this name holds. */
export const departmentNamed = (name: string): Named => nameOf(SCOPE, tidied(name))
const name = text({ max: NAME_MAX })

export const department = aggregate({
  type: 'department',
  state_version: 1,
  events: eventTypes({
    DepartmentCreated: { data: object({ department_id: id(), name }) },
    DepartmentRenamed: { data: object({ department_id: id(), name }) },
    DepartmentArchived: { data: object({ department_id: id() }) },
  }),
  initial: null as Department,
  evolve: {
    DepartmentCreated: (_, { name }) => ({ name, is_active: true }),
    DepartmentRenamed: (state, { name }) => ({ is_active: state?.is_active ?? true, name }),
    DepartmentArchived: (state) => ({ name: state?.name ?? '', is_active: false }),
  },
})

const answer = object({ department_id: id(), name, is_active: flag() })
const path = '/api/v1/departments'

const createDepartment = command({
  type: 'CreateDepartment',
  input: object({ department_id: optional(uuid()), name }),
  creates: 'department_id',
  reads: ({ department_id }) => [department.at(department_id!)],
  decide: (input, given) => {
    const department_id = input.department_id!
    if (given.state(department.at(department_id)) !== null)
      return already('a department', department_id)
    const name = tidied(input.name)
    const trouble = nameTrouble(name, NAME_MAX)
    if (trouble !== null) return invalid({ name: trouble })
    const created = department.event('DepartmentCreated', { department_id, name })
    const write = department.write(department_id, [created])
    return accept(
      [write],
      { department_id, name, is_active: true },
      { claims: [nameClaim(SCOPE, name, write.stream)] },
    )
  },
  answer,
  route: { method: 'POST', path, status: 201, tag: 'catalog', summary: 'Create a department' },
})

const renameDepartment = command({
  type: 'RenameDepartment',
  input: object({ department_id: id(), name }),
  reads: ({ department_id }) => [department.at(department_id)],
  decide: ({ department_id, name: wanted }, given) => {
    const state = activeDepartment(given, department_id)
    if ('rejected' in state) return state
    const name = tidied(wanted)
    const trouble = nameTrouble(name, NAME_MAX)
    if (trouble !== null) return invalid({ name: trouble })
    const response = { department_id, name, is_active: true }
    if (name === state.name) return accept([], response)
    const renamed = department.event('DepartmentRenamed', { department_id, name })
    const write = department.write(department_id, [renamed])
    return accept([write], response, renaming(SCOPE, state.name, name, write.stream))
  },
  answer,
  route: {
    method: 'PATCH',
    path: `${path}/:department_id`,
    tag: 'catalog',
    summary: 'Rename a department; products show the new name',
  },
})

const archiveDepartment = command({
  type: 'ArchiveDepartment',
  input: object({ department_id: id() }),
  reads: ({ department_id }) => [department.at(department_id)],
  decide: ({ department_id }, given) => {
    const state = given.state(department.at(department_id))
    if (state === null) return noSuch('department', department_id)
    const response = { department_id, name: state.name, is_active: false }
    if (!state.is_active) return accept([], response)
    const archived = department.event('DepartmentArchived', { department_id })
    const write = department.write(department_id, [archived])
    // It never comes back, so its name is free.
    return accept([write], response, { releases: [nameClaim(SCOPE, state.name, write.stream)] })
  },
  answer,
  route: {
    method: 'DELETE',
    path: `${path}/:department_id`,
    tag: 'catalog',
    summary: 'Archive a department; its products keep it',
  },
})

export const departmentCommands: readonly Command[] = [
  createDepartment,
  renameDepartment,
  archiveDepartment,
]

function activeDepartment(given: Given, department_id: string): DepartmentState | Rejected {
  const state = given.state(department.at(department_id))
  if (state === null) return noSuch('department', department_id)
  if (!state.is_active)
    return reject('invalid_state', `Department ${department_id} has been archived.`)
  return state
}
