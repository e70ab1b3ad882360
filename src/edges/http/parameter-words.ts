// What a parameter means where its schema says nothing: ids and filters explain themselves by their
// names, so that no reader of the document has to guess.

const STANDARD: Readonly<Record<string, string>> = {
  offset: 'So many are passed over.',
  limit: 'So many at most.',
  include_inactive: 'Also what was closed or archived.',
  in_stock_only: 'Only what is in stock.',
  low_stock_only: 'Only what runs out.',
  needs_attention: 'Only what waits for a person.',
  from: 'Nothing before this.',
  to: 'Nothing after this.',
  line: 'The number of the line, from 1 on.',
  subject: 'The id of the customer, of the user, or of a guest’s order.',
}

const FILTERS: Readonly<Record<string, readonly [amount: string, time: string]>> = {
  gt: ['is more than this', 'is after this'],
  gte: ['is this or more', 'is this or after'],
  lt: ['is less than this', 'is before this'],
  lte: ['is this or less', 'is this or before'],
  in: ['is one of these, with commas between', 'is one of these, with commas between'],
  contains: ['has this in it', 'has this in it'],
}

/** `place`: of OpenAPI. */
export function parameterWords(name: string, place: 'path' | 'query'): string {
  if (Object.hasOwn(STANDARD, name)) return STANDARD[name]!
  const [, field, operator] = /^(.+)\[([a-z]+)\]$/.exec(name) ?? []
  if (field !== undefined && Object.hasOwn(FILTERS, operator!)) {
    const [amount, time] = FILTERS[operator!]!
    const isTime = /_at$|^since$/.test(field)
    return `Only where ${spoken(field)} ${isTime ? time : amount}.`
  }
  if (name.endsWith('_id')) return `The id of the ${spoken(name.slice(0, -'_id'.length))}.`
  return place === 'path' ? `Its ${spoken(name)}.` : `Only with this ${spoken(name)}.`
}

const spoken = (name: string) => name.replaceAll('_', ' ')
