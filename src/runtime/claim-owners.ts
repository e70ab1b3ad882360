// Who holds the values that a command names, for its decision: looked up anew at every try, since
// nothing tells a process that a claim has moved.
import type { Command, Given } from '#kernel/decider.ts'
import type { EventLog } from '#storage/event-log.ts'

type Asking = {
  readonly command: Command
  readonly input: Readonly<Record<string, unknown>>
}

export async function claimOwners(
  { command, input }: Asking,
  log: Pick<EventLog, 'claimsOf'>,
): Promise<Given['owner']> {
  const names = command.names?.(input) ?? []
  const owners = new Map<string, string>()
  if (names.length > 0)
    for (const { scope, value, owner } of await log.claimsOf(names))
      owners.set(JSON.stringify([scope, value]), owner)
  const asked = new Set(names.map(({ scope, value }) => JSON.stringify([scope, value])))
  return ({ scope, value }) => {
    const key = JSON.stringify([scope, value])
    // Otherwise `null` would be taken for an answer.
    if (!asked.has(key)) throw new Error(`${command.type} did not name ${scope} ${value}`)
    return owners.get(key) ?? null
  }
}
