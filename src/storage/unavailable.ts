// A store that cannot be reached just now: a server that is away, a network that is cut.

/** Nothing was done, and the same call may succeed later. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}
