// Callers that ask, wait for the answer and ask again: the load that a number of clients makes.

/** Work done each second, over all callers, until the time is over. */
export async function callsEachSecond(
  callers: number,
  seconds: number,
  call: (caller: number) => Promise<unknown>,
): Promise<number> {
  const begun = performance.now()
  const end = begun + seconds * 1_000
  let done = 0
  const one = async (caller: number) => {
    while (performance.now() < end) {
      await call(caller)
      done++
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => one(caller)))
  return (1_000 * done) / (performance.now() - begun)
}

/** The same for work that does not wait; `step` says how much it has done. */
export function workEachSecond(seconds: number, step: () => number): number {
  const begun = performance.now()
  const end = begun + seconds * 1_000
  let done = 0
  while (performance.now() < end) done += step()
  return (1_000 * done) / (performance.now() - begun)
}
