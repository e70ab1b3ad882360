// A unit: in what a product is counted, and how finely. Stream: unit-<unit_id>. Its name is unique.
// A product takes the precision when it is created and keeps it; a later change is for later
// products.
import {
  accept,
  aggregate,
  already,
  type Command,
  command,
  invalid,
  type Named,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { flag, id, integer, nullable, object, optional, text, uuid } from '#kernel/schema.ts'
import { tidied } from '#kernel/tidied.ts'
import { nameClaim, nameOf, nameTrouble, renaming } from './named.ts'
import { SCALE_MAX } from './product.ts'

export type UnitState = {
  readonly name: string
  readonly symbol: string | null
  /** Digits after the point. */
  readonly precision: number
  readonly is_active: boolean
}
export type Unit = UnitState | null

const NAME_MAX = 100
const SYMBOL_MAX = 20
const SCOPE = 'unit_name'
/** What an active unit of this name holds. */
export const unitNamed = (name: string): Named => nameOf(SCOPE, tidied(name))
const name = text({ max: NAME_MAX })
const symbol = nullable(text({ max: SYMBOL_MAX }))
const precision = integer({ min: 0, max: SCALE_MAX, description: 'Digits after the point.' })

export const unit = aggregate({
  type: 'unit',
  state_version: 1,
  events: eventTypes({
    UnitCreated: { data: object({ unit_id: id(), name, symbol, precision }) },
    UnitUpdated: {
      data: object({
        unit_id: id(),
        name: optional(name),
        symbol: optional(symbol),
        precision: optional(precision),
      }),
    },
    UnitArchived: { data: object({ unit_id: id() }) },
  }),
  initial: null as Unit,
  evolve: {
    UnitCreated: (_, { unit_id, ...fields }) => ({ ...fields, is_active: true }),
    UnitUpdated: (state, { unit_id, ...changed }) => ({ ...known(state), ...changed }),
    UnitArchived: (state) => ({ ...known(state), is_active: false }),
  },
})

function known(state: Unit): UnitState {
  if (state === null) throw new Error('a unit that was never created has changed')
  return state
}

const answer = object({ unit_id: id(), name, symbol, precision, is_active: flag() })
const path = '/api/v1/units'

const createUnit = command({
  type: 'CreateUnit',
  input: object({
    unit_id: optional(uuid()),
    name,
    symbol: optional(symbol),
    precision: optional(precision),
  }),
  creates: 'unit_id',
  reads: ({ unit_id }) => [unit.at(unit_id!)],
  decide: ({ precision = 0, symbol = null, ...input }, given) => {
    const unit_id = input.unit_id!
    if (given.state(unit.at(unit_id)) !== null) return already('a unit', unit_id)
    const name = tidied(input.name)
    const trouble = nameTrouble(name, NAME_MAX)
    if (trouble !== null) return invalid({ name: trouble })
    const fields = { unit_id, name, symbol, precision }
    const write = unit.write(unit_id, [unit.event('UnitCreated', fields)])
    return accept(
      [write],
      { ...fields, is_active: true },
      { claims: [nameClaim(SCOPE, name, write.stream)] },
    )
  },
  answer,
  route: { method: 'POST', path, status: 201, tag: 'catalog', summary: 'Create a unit' },
})

const updateUnit = command({
  type: 'UpdateUnit',
  input: object({
    unit_id: id(),
    name: optional(name),
    symbol: optional(symbol),
    precision: optional(precision),
  }),
  reads: ({ unit_id }) => [unit.at(unit_id)],
  decide: ({ unit_id, ...wanted }, given) => {
    const state = given.state(unit.at(unit_id))
    if (state === null) return noSuch('unit', unit_id)
    if (!state.is_active) return reject('invalid_state', `Unit ${unit_id} has been archived.`)
    const name = wanted.name === undefined ? state.name : tidied(wanted.name)
    const trouble = nameTrouble(name, NAME_MAX)
    if (trouble !== null) return invalid({ name: trouble })
    const { symbol = state.symbol, precision = state.precision } = wanted
    const changed = {
      ...(name === state.name ? {} : { name }),
      ...(symbol === state.symbol ? {} : { symbol }),
      ...(precision === state.precision ? {} : { precision }),
    }
    const response = { unit_id, ...state, ...changed }
    if (Object.keys(changed).length === 0) return accept([], response)
    const write = unit.write(unit_id, [unit.event('UnitUpdated', { unit_id, ...changed })])
    return accept(
      [write],
      response,
      changed.name === undefined ? {} : renaming(SCOPE, state.name, name, write.stream),
    )
  },
  answer,
  route: {
    method: 'PATCH',
    path: `${path}/:unit_id`,
    tag: 'catalog',
    summary: 'Change a unit; its precision counts for products created later',
  },
})

const archiveUnit = command({
  type: 'ArchiveUnit',
  input: object({ unit_id: id() }),
  reads: ({ unit_id }) => [unit.at(unit_id)],
  decide: ({ unit_id }, given) => {
    const state = given.state(unit.at(unit_id))
    if (state === null) return noSuch('unit', unit_id)
    const response = { unit_id, ...state, is_active: false }
    if (!state.is_active) return accept([], response)
    const write = unit.write(unit_id, [unit.event('UnitArchived', { unit_id })])
    return accept([write], response, { releases: [nameClaim(SCOPE, state.name, write.stream)] })
  },
  answer,
  route: {
    method: 'DELETE',
    path: `${path}/:unit_id`,
    tag: 'catalog',
    summary: 'Archive a unit; its products keep it',
  },
})

export const unitCommands: readonly Command[] = [createUnit, updateUnit, archiveUnit]
