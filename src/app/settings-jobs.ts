// The settings of imports and exports over the admin API.
import { setting } from './setting.ts'
import { duration, integer } from './setting-kinds.ts'

export const jobs = {
  'jobs.upload_max_bytes': setting(
    integer(1_000, 10_000_000_000),
    100_000_000,
    'The largest file that an import takes. It has to come within `server.read_timeout`.',
  ),
  'jobs.keep': setting(
    duration('1m', '3650d'),
    '7d',
    'How long imports and exports are kept after their end: files, counts, errors of rows.',
  ),
} as const
