// Names that lead into a network of one's own are not followed. What a name resolves to is judged
// at the moment of the connection, and that very address is connected to: a name that means another
// host the next time it is asked gains nothing.
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isPublicAddress } from '#contexts/notifications/addresses.ts'

/** Its code is all that is kept of it: an address of one's own network is nobody's news. */
export class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress'
  readonly code = 'PRIVATE_ADDRESS'
  constructor() {
    super('the name leads into a network of our own (setting webhooks.allow_private)')
  }
}

export type Resolve = (
  name: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void

/** For the option `lookup` of a request. One private address among several is one too many. */
export const guardedLookup =
  (allowPrivate: boolean, resolve: Resolve = lookup): LookupFunction =>
  (name, options, callback) =>
    resolve(name, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null || first === undefined)
        return callback(error ?? new Error('no address'), '', 0)
      if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address)))
        return callback(new PrivateAddress(), '', 0)
      if (options.all === true) callback(null, [...addresses])
      else callback(null, first.address, first.family)
    })
