// The engine in memory keeps every contract.
import { engineContract } from '#storage/engine.contract.ts'

await engineContract('memory', {
  make: async () => ({ place: { path: '', url: '' }, remove: async () => {} }),
  keeps: false,
  shares: [],
})
