// `daybook/postgres`: stores on a PostgreSQL that many processes share, with the same names as
// `daybook/sqlite`, and the leases by which those processes share out their work.
export * from '#storage/event-log.ts'
export * from '#storage/key-ring.ts'
export * from '#storage/leases.ts'
export { openEventLog, type PostgresLogOptions } from '#storage/postgres/event-log.ts'
export { openKeyRing, type PostgresKeyRingOptions } from '#storage/postgres/key-ring.ts'
export { openLeases } from '#storage/postgres/leases.ts'
export { type OpenReadModels, openReadModels } from '#storage/postgres/read-models.ts'
export * from '#storage/read-models.ts'
export { Unavailable } from '#storage/unavailable.ts'
