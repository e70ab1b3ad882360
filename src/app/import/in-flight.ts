// Works on many items side by side, started in their order, never more than so many at a time.

/**
 * Ends when all that was started has ended. Takes no further items once `signal` is aborted, or
 * once one has failed: its error is thrown when the others have ended.
 */
export async function eachInFlight<T>(
  items: AsyncIterable<T> | Iterable<T>,
  max: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const flying = new Set<Promise<void>>()
  const failures: unknown[] = []
  if (signal?.aborted) return
  for await (const item of items) {
    const flight = work(item)
      .catch((error) => void failures.push(error))
      .finally(() => flying.delete(flight))
    flying.add(flight)
    if (flying.size >= max) await Promise.race(flying)
    if (failures.length > 0 || signal?.aborted) break
  }
  await Promise.all(flying)
  if (failures.length > 0) throw failures[0]
}
