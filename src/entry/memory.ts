// `daybook/memory`: stores that forget at exit, with the same names as `daybook/sqlite`; for tests.
export * from '#storage/event-log.ts'
export * from '#storage/key-ring.ts'
export { type MemoryLogOptions, openEventLog } from '#storage/memory/event-log.ts'
export { openKeyRing } from '#storage/memory/key-ring.ts'
export { openReadModels } from '#storage/memory/read-models.ts'
export * from '#storage/read-models.ts'
