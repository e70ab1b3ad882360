// Callers that ask, wait for the answer and ask again: the load that a number of clients makes.

/** Work done each second, over all callers, until the time is over; each calls once at least. */
export async function callsEachSecond(
  callers: number,
  seconds: number,
  call: (caller: number) => Promise<unknown>,
): Promise<number> {
  const begun = performance.now()
  const end = begun + seconds * 1_000
  let done = 0
  const one = async (caller: number) => {
    do {
      await call(caller)
      done++
    } while (performance.now() < end)
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => one(caller)))
  return (1_000 * done) / (performance.now() - begun)
}

export type Timed = { readonly rate: number; readonly latenciesMs: Float64Array }

/** The same, and how long each call took. */
export async function timedCalls(
  callers: number,
  seconds: number,
  call: (caller: number) => Promise<unknown>,
): Promise<Timed> {
  const latencies: number[] = []
  const rate = await callsEachSecond(callers, seconds, async (caller) => {
    const begun = performance.now()
    await call(caller)
    latencies.push(performance.now() - begun)
  })
  return { rate, latenciesMs: Float64Array.from(latencies) }
}

/** The same for work that does not wait; `step` says how much it has done. */
export function workEachSecond(seconds: number, step: () => number): number {
  const begun = performance.now()
  const end = begun + seconds * 1_000
  let done = 0
  do done += step()
  while (performance.now() < end)
  return (1_000 * done) / (performance.now() - begun)
}
