// What a contract suite is handed by an engine: a fresh store, and the way to come back to it.

export type Opened<Port> = {
  readonly port: Port
  /** Opens the same store once more, after the port was closed; absent when nothing outlives it. */
  readonly reopen?: () => Promise<Port>
  /** Removes the store; the ports are closed by then. */
  readonly remove: () => Promise<void>
}
