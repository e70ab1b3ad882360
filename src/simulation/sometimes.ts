// What has to happen at least once over many histories: a run in which none of it did would have
// proved nothing.
export const SOMETIMES = [
  'an append was refused for a conflict and tried again',
  'a repeated command was answered from its record',
  'a key was used for another request and refused',
  'a version that was expected had passed',
  'an append without an answer had been written',
  'an append without an answer had not been written',
  'a process died while a provider was called',
  'a process died while it appended',
  'a payment without an answer was found carried out',
  'a payment without an answer was found absent',
  'a label without an answer was found',
  'an order was cancelled while its payment was under way',
  'an order was cancelled by its reservation’s end',
  'a reservation by hand expired',
  'a payer came too late',
  'a saga was completed',
  'a saga was compensated',
  'a saga was left to a person',
  'an order was shipped',
  'a part of an order was shipped',
  'lines of an order were cancelled',
  'goods came back',
  'money was given back',
  'the items of an order were changed',
  'what was sold at a till came back',
  'a sale was told later',
  'a drawer was closed with a difference',
  'goods came from another store in parts',
  'a count found a difference',
  'a fact took what was promised',
  'a price took effect at its time',
  'a person was forgotten',
  'somebody who had been paused was kept from a provider',
  'a checkpoint had been moved by somebody else',
  'a lease was taken over',
  'an event was parked and taken later',
  'the store was away for everybody',
  'a clock went back',
  'a process woke after others had taken over',
  'a query waited for its own write',
] as const
export type Sometime = (typeof SOMETIMES)[number]

export type Tally = Map<string, number>
export const add = (tally: Tally, what: string, times = 1) =>
  void (times > 0 && tally.set(what, (tally.get(what) ?? 0) + times))
export const never = (tally: ReadonlyMap<string, number>): readonly Sometime[] =>
  SOMETIMES.filter((what) => !tally.has(what))
