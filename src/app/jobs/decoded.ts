// Bytes as text. What is not UTF-8 would lose letters in silence, so it is refused.
import { FileBroken } from './columns.ts'

export async function* decoded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const text = (chunk?: Uint8Array) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch (cause) {
      throw new FileBroken('The file is not UTF-8: save it as “CSV UTF-8”.', { cause })
    }
  }
  for await (const chunk of bytes) yield text(chunk)
  yield text()
}
