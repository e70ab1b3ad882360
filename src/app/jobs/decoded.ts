// Bytes as text. What is not UTF-8 would lose letters in silence, so it is refused.
import { setImmediate as turn } from 'node:timers/promises'
import { FileBroken } from './columns.ts'

/**
 * Handed on at once. As many rows as fit into it are read without a pause, and there may be
 * thousands of them with nothing in them.
 */
const BYTES_AT_ONCE = 16 * 1024

export async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const text = (chunk?: Uint8Array) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch (cause) {
      throw new FileBroken('The file is not UTF-8: save it as “CSV UTF-8”.', { cause })
    }
  }
  for await (const chunk of bytes)
    for (let from = 0; from < chunk.length; from += BYTES_AT_ONCE) {
      yield text(chunk.subarray(from, from + BYTES_AT_ONCE))
      // Others have their turn.
      await turn()
    }
  yield text()
}
