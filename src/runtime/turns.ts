// Taking turns and waiting: the two small things every loop of the runtime needs.

/** Runs what it is given one after the other; a failure is the caller's and stops nobody else. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

export function inTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
}

/** A pause that ends early when woken; a wake that comes while nobody sleeps is not lost. */
export type Sleeper = { sleep(ms: number): Promise<void>; wake(): void }

export function sleeper(): Sleeper {
  let woken = false
  const ends = new Set<() => void>()
  return {
    sleep(ms) {
      if (woken) {
        woken = false
        return Promise.resolve()
      }
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer)
          ends.delete(end)
          resolve()
        }
        const timer = setTimeout(end, ms)
        ends.add(end)
      })
    },
    wake() {
      woken = ends.size === 0
      for (const end of ends) end()
    },
  }
}
