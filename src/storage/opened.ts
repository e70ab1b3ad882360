// What a contract suite is handed by an engine: a fresh store, and the way to come back to it.

export type Opened<Port> = {
  readonly port: Port
  /** Opens the same store once more, after the port was closed; absent when nothing outlives it. */
  readonly reopen?: () => Promise<Port>
  /**
   * Opens the same store beside the port, as another process does; absent where one process owns
   * it. Whoever asks closes it.
   */
  readonly beside?: () => Promise<Port>
  /** Removes the store; the ports are closed by then. */
  readonly remove: () => Promise<void>
}
