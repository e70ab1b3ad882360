// The book that a simulated provider keeps: a real one remembers, whoever of us asks, and however
// often we are restarted. An entry is one operation with its answer; entries that bear on each
// other are of one account. Every engine must pass book.contract.ts.

export type ProviderBook<Entry> = {
  /**
   * The first call under an operation's id is judged by what its account holds, and the entry
   * recorded: both at once, so that two processes cannot both find the account as it was. Every
   * later call gets that entry, whatever it would have judged. Answers when the entry outlives the
   * process. `judge` may be asked again when another entry of the account came first.
   *
   * null: nothing was done and nothing will be, because meanwhile somebody was told that there is
   * no such operation (see `find`). `onTheWay` is what the call spends time with before it arrives.
   */
  carryOut(
    operation: Operation,
    judge: (account: readonly Entry[]) => Entry,
    onTheWay?: () => Promise<unknown>,
  ): Promise<Entry | null>
  /**
   * null: it was never carried out, and no call that has begun before this answer will do it, in no
   * process. One that begins after it may.
   */
  find(operationId: string): Promise<Entry | null>
  /** What an account holds, in order; or all of them, account by account, to compare books with. */
  entries(account?: string): Promise<readonly Entry[]>
  /** All operations that were carried out, after this id, by id; for backups. */
  page(afterOperationId: string, limit: number): Promise<readonly Kept<Entry>[]>
  /** Puts operations of a backup back as they were; those that are there already stay. */
  restore(operations: readonly Kept<Entry>[]): Promise<void>
  close(): Promise<void>
}

/** An operation with its answer, and which of its account it was, from 0. */
export type Kept<Entry> = Operation & { readonly number: number; readonly entry: Entry }

export type Operation = { readonly operation_id: string; readonly account: string }

/** One store holds several books; operations and accounts of different books never meet. */
export type BookName = 'payments' | 'labels'
