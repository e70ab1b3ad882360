// For `node --import`: the wall clock of this process, its threads included, is wrong by
// CLOCK_SKEW_MS. Timers and the monotonic clock are right, as on a machine whose time was set.
const skew = Number(process.env.CLOCK_SKEW_MS ?? 0)
const Real = globalThis.Date

/** As Date itself, called without `new` it is not: nobody here does. */
class SkewedDate extends Real {
  constructor(...given: readonly unknown[]) {
    if (given.length === 0) super(Real.now() + skew)
    else super(...(given as [number]))
  }
  static override now(): number {
    return Real.now() + skew
  }
}
Object.defineProperty(SkewedDate, 'name', { value: 'Date' })
globalThis.Date = SkewedDate as DateConstructor
