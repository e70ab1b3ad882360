// The thread that folds the shop's events into rows and owns the views.
import { workerData } from 'node:worker_threads'
import { contextsOf, typesOf } from './contexts.ts'
import { noProviders } from './no-providers.ts'
import { type ProjectionWorkerData, serveProjections } from './projection-thread.ts'

const contexts = contextsOf(noProviders)
serveProjections(workerData as ProjectionWorkerData, {
  projections: contexts.flatMap(({ projections }) => projections),
  types: typesOf(contexts),
})
