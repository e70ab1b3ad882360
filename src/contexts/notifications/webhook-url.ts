// What a webhook's URL may be. What its name resolves to is judged again when it is called.
import { isPublicAddress } from './addresses.ts'

export type UrlRules = {
  /** Also addresses of one's own network. */
  readonly allowPrivate: boolean
  /** Only these hosts; none: all. */
  readonly allowedHosts: readonly string[]
}

export const URL_MAX = 2_000

/** What is wrong with it; null: nothing. */
export function urlTrouble(text: string, { allowPrivate, allowedHosts }: UrlRules): string | null {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return 'must be an address such as https://shop.example/hooks'
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user or a password: they would be seen in lists'
  const host = hostOf(url)
  if (allowedHosts.length > 0 && !allowedHosts.includes(host))
    return 'must be at a host of the setting webhooks.allowed_hosts'
  if (!allowPrivate && isOurs(host))
    return 'must not be in a network of our own (setting webhooks.allow_private)'
  return null
}

/** As the parser has read it: `http://0x7f.1/` is at 127.0.0.1. */
export const hostOf = ({ hostname }: URL): string =>
  hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '')

/** By its name or number alone. */
function isOurs(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  const isNumber = /^[\d.]+$/.test(host) || host.includes(':')
  return isNumber && !isPublicAddress(host)
}
