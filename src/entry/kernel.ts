// `daybook/kernel`: the words to write an event-sourced application with. A door of the package is
// the one place that re-exports: those who embed it need one name that stays while files move.
export * from '#kernel/context.ts'
export * from '#kernel/decider.ts'
export * from '#kernel/event-types.ts'
export * from '#kernel/instants.ts'
export * from '#kernel/message.ts'
export * from '#kernel/money.ts'
export * from '#kernel/projection.ts'
export * from '#kernel/query.ts'
export * from '#kernel/saga.ts'
export * from '#kernel/schema.ts'
export * from '#kernel/specification.ts'
export * from '#kernel/waiting.ts'
