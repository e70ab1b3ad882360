// The contract of the bus, on every bus there is.
import { buses } from './buses.ts'
import { messageBusContract } from './message-bus.contract.ts'

for (const [name, load] of Object.entries(buses))
  messageBusContract(name, async (told) => {
    const { openBus } = await load()
    return { bus: openBus({ onError: told }), remove: async () => {} }
  })
