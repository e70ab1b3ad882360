// Products that were sold under several codes: one product, under the code that it has now. A code
// is never given to another product, so what was only ever told by an old code is found too.
import { productReadView } from '#contexts/catalog/public.ts'
import type { Reader } from '#kernel/query.ts'
import { LISTED_MAX } from '#kernel/specification.ts'

type OfProduct = { readonly key: string; readonly product_id: string | null }

/** The same groups; few shops change codes, so few answers look anything up. */
export async function underOneCode<G extends OfProduct>(
  groups: readonly G[],
  reader: Reader,
): Promise<readonly G[]> {
  const codes = new Map<string, Set<string>>()
  for (const { product_id, key } of groups) {
    if (product_id === null) continue
    const known = codes.get(product_id)
    if (known === undefined) codes.set(product_id, new Set([key]))
    else known.add(key)
  }
  const several = [...codes].filter(([, keys]) => keys.size > 1).slice(0, LISTED_MAX)
  if (several.length === 0) return groups
  const found = await reader.find(productReadView, {
    where: { product_id: { in: several.map(([product_id]) => product_id) } },
    limit: several.length,
  })
  const now = new Map<string, string>()
  for (const { product_id, code } of found.items)
    for (const old of codes.get(String(product_id)) ?? []) now.set(old, String(code))
  return groups.map((group) => ({ ...group, key: now.get(group.key) ?? group.key }))
}
