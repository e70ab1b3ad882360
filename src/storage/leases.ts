// Who does which shared work for now. Leases save work; correctness comes from checkpoints and
// versions. Every engine must pass leases.contract.ts.

export type Leases = {
  /** Takes or prolongs; null when somebody else holds it. The token grows with each new holder. */
  acquire(name: string, holder: string, forMs: number): Promise<Lease | null>
  release(name: string, holder: string): Promise<void>
  /** Leases whose names begin so and that somebody holds now, by name. */
  held(prefix: string): Promise<readonly Lease[]>
  close(): Promise<void>
}
export type Lease = { readonly name: string; readonly holder: string; readonly token: number }
