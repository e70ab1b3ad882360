// `daybook/runtime`: what runs contexts over an engine. `runApplication` is all of it at once; the
// parts are here for those who spread them over processes.
export * from '#runtime/application.ts'
export { type CommandGateway, commandGateway, type GatewayParts } from '#runtime/gateway.ts'
export { type Numbers, numbersFrom } from '#runtime/number-series.ts'
export { type PersonalData, personalData } from '#runtime/personal.ts'
export {
  type Answer,
  type QueryGateway,
  type QueryGatewayOptions,
  queryGateway,
} from '#runtime/query-gateway.ts'
export {
  type ProjectionRunner,
  type ProjectionRunnerOptions,
  projectionRunner,
} from '#runtime/run-projections.ts'
export {
  derivedId,
  type WaitingParts,
  type WaitingRunner,
  waitingRunner,
} from '#runtime/run-waiting.ts'
