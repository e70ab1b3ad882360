// For `node --import`: the program with a fault planted in it. Modules are changed while they are
// loaded, as BROKEN says; the files stay as they are.
import { registerHooks } from 'node:module'

export type Change = { readonly file: string; readonly find: string; readonly put: string }

/** Throws unless the text is there exactly once: a fault that is not planted proves nothing. */
export function changed(text: string, { file, find, put }: Change): string {
  const parts = text.split(find)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`)
  return parts.join(put)
}

const changes: readonly Change[] = JSON.parse(process.env.BROKEN ?? '[]')

if (changes.length > 0)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      const meant = changes.filter(({ file }) => url.endsWith(`/src/${file}`))
      if (meant.length === 0) return loaded
      return { ...loaded, source: meant.reduce(changed, String(loaded.source)) }
    },
  })
