// To operators: something does not go on without a person.
import { type Letter, letter } from './template.ts'

export type Stuck = {
  readonly shop: string
  /** `The process`, `The webhook`. */
  readonly what: string
  readonly id: string
  readonly why: string
}

export const needsAttention = (stuck: Stuck): Letter =>
  letter(`${stuck.shop}: ${stuck.what.toLowerCase()} ${stuck.id} needs a person`, [
    `${stuck.what} ${stuck.id} cannot go on by itself: ${stuck.why}`,
  ])
