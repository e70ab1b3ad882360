// The manifests of all contexts, held against each other: silence is intended, names are unique,
// samples of old events can still be read.
import { deepEqual, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { words } from '#contexts/history/history.ts'
import { eventTypesOf } from '#kernel/context.ts'
import { lift, versionOf } from '#kernel/event-types.ts'
import { check } from '#kernel/schema.ts'
import { contextsOf, typesOf } from './contexts.ts'
import { noProviders } from './no-providers.ts'

const contexts = contextsOf(noProviders)
const types = eventTypesOf(contexts)
const twice = (names: readonly string[]) => names.filter((name, i) => names.indexOf(name) !== i)

describe('the contexts', () => {
  test('every event is projected, or is listed as unheard on purpose', () => {
    const heard = new Set(
      contexts.flatMap(({ projections }) => projections.flatMap(({ on }) => Object.keys(on))),
    )
    const unheard = new Set(contexts.flatMap((context) => context.unheard ?? []))
    deepEqual(
      Object.keys(types).filter((type) => !heard.has(type) && !unheard.has(type)),
      [],
      'neither projected nor listed as unheard',
    )
    deepEqual(
      [...unheard].filter((type) => heard.has(type)),
      [],
      'listed as unheard, yet projected',
    )
    deepEqual(
      [...heard, ...unheard].filter((type) => !Object.hasOwn(types, type)),
      [],
      'unknown',
    )
  })

  test('every event is told in words', () => {
    const untold = Object.keys(types).filter((type) => !Object.hasOwn(words, type))
    deepEqual(untold, [])
  })

  test('whatever has an id can be asked for as it was, or it is said here why not', () => {
    const only = {
      GetOrdersByStatus: 'a list',
      GetErasure: 'it is asked to learn whether it has been done',
      GetWebhook: 'how others are reached now',
      GetWebhookDelivery: 'what became of it last',
    }
    const present = contexts
      .flatMap(({ queries }) => queries)
      .filter(({ route }) => route?.method === 'GET' && /\/:[a-z_]+$/.test(route.path))
      .filter(({ input }) => !Object.hasOwn(input.properties, 'as_of'))
    deepEqual(present.map(({ type }) => type).sort(), Object.keys(only).sort())
  })

  test('an aggregate evolves every event it may hold', () => {
    for (const { aggregates } of contexts)
      for (const { type, events, evolve } of aggregates)
        deepEqual(Object.keys(evolve).sort(), Object.keys(events).sort(), type)
  })

  test('commands, queries, projections and routes have names of their own', () => {
    deepEqual(twice(contexts.flatMap(({ commands }) => commands.map(({ type }) => type))), [])
    deepEqual(twice(contexts.flatMap(({ queries }) => queries.map(({ type }) => type))), [])
    deepEqual(twice(contexts.flatMap(({ projections }) => projections.map(({ name }) => name))), [])
    const routes = contexts.flatMap(({ commands, queries }) =>
      [...commands, ...queries].flatMap(({ route }) =>
        route === undefined
          ? []
          : [route.path, ...(route.aliases ?? [])].map((path) => `${route.method} ${path}`),
      ),
    )
    deepEqual(twice(routes), [])
  })

  test('what waits has an index on its due column', () => {
    for (const { waiting = [] } of contexts)
      for (const { name, projection, due } of waiting)
        ok(
          projection.table.indexes?.some(([first]) => first === due),
          `${name} scans its table`,
        )
  })

  test('every older version of an event has a sample, and the sample can be read', () => {
    for (const [name, type] of Object.entries(typesOf(contexts)))
      for (let version = 1; version < versionOf(type); version++) {
        const sample = type.samples?.[version]
        ok(sample !== undefined, `${name} has no sample of version ${version}`)
        const lifted = check(type.data, lift(types, name, version, sample))
        ok(lifted.ok, `${name} version ${version} does not lift to what its schema asks`)
      }
  })

  test('every event that the catalogue names for these contexts is there', () => {
    const named = `ProductCreated ProductUpdated ProductPriceChanged StockAdded StockReserved
      StockReleased InventoryReserved InventoryReleased InventoryAdjusted OrderCreated OrderUpdated
      OrderConfirmed PaymentProcessed OrderShipped OrderCancelled PaymentAuthorized PaymentCaptured
      PaymentRefunded InventoryCreated InventoryClosed ReservationCommitted InventoryCommitted
      ReservationExtended ReservationExpired ProductArchived ProductRestored DepartmentCreated
      DepartmentRenamed DepartmentArchived UnitCreated UnitUpdated UnitArchived StoreCreated
      StoreUpdated StoreClosed OrderDelivered PaymentAuthorizationRequested PaymentCaptureRequested
      PaymentVoidRequested PaymentRefundRequested PaymentVoided PaymentFailed ShipmentCreated
      ShippingLabelRequested ShippingLabelCreated ShipmentCancelled ShipmentShipped
      ShipmentDelivered SagaStarted SagaStepStarted SagaStepSucceeded SagaStepFailed
      SagaCompensationStarted SagaStepCompensated SagaCompleted SagaFailed SagaResolved
      StockTransferredOut StockTransferredIn TransferStarted TransferReceived TransferCancelled
      StockCountStarted StockCounted StockCountCompleted StockDiscrepancyDetected
      StockDiscrepancyResolved LowStockReached`
    const missing = named.split(/\s+/).filter((name) => !Object.hasOwn(types, name))
    deepEqual(missing, [])
  })
})
