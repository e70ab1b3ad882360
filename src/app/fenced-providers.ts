// The outside, reached only by who may act. A process that was stopped for a while wakes up in the
// middle of what it did; others have taken it over, and may have settled it as never carried out.
// The call that it was about to make must not be made any more.
import type { Providers } from './contexts.ts'

/** `mayAct` is asked in the same moment in which the call goes out. */
export function fencedProviders(providers: Providers, mayAct: () => boolean): Providers {
  return {
    provider: fenced(providers.provider, mayAct),
    carrier: fenced(providers.carrier, mayAct),
  }
}

function fenced<T extends object>(outside: T, mayAct: () => boolean): T {
  return new Proxy(outside, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        // A refusal is an unknown outcome to its caller, who records it; whoever took over decides.
        if (!mayAct() && name !== 'isAuthentic')
          return Promise.reject(new Error('another process has taken this over'))
        return member.apply(target, args)
      }
    },
  })
}
