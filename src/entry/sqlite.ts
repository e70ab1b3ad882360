// `daybook/sqlite`: stores in files, with the same names as `daybook/memory`. The ports' types come
// along, for those who write an engine of their own.
export * from '#storage/event-log.ts'
export * from '#storage/key-ring.ts'
export * from '#storage/read-models.ts'
export { openEventLog, type SqliteLogOptions } from '#storage/sqlite/event-log.ts'
export { openKeyRing, type SqliteKeyRingOptions } from '#storage/sqlite/key-ring.ts'
export { type OpenReadModels, openReadModels } from '#storage/sqlite/read-models.ts'
