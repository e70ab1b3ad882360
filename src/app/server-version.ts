// What database server this is; asked by health, which so learns that it answers. The driver is
// loaded only where there is a server.
import type { Stored } from './stores.ts'

export async function serverVersion(
  { engine, place }: Stored,
  opening: AsyncDisposableStack,
): Promise<(() => Promise<string>) | null> {
  if (engine !== 'postgres') return null
  const { connect } = await import('#storage/postgres/connections.ts')
  const { read, close } = connect(place.url)
  opening.defer(close)
  return async () => {
    const [row] = await read<{ version: string }>({
      name: 'server_version',
      text: "SELECT 'PostgreSQL ' || current_setting('server_version') AS version",
    })
    return row!.version
  }
}
