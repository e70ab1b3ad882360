// Naive books of what is between two stores: what was sent has come, was damaged, is missing, went
// back or is still on its way, each unit once; and the stock of both stores says the same.
import type { Recorded } from '#kernel/message.ts'

export type Transit = {
  readonly transfers: Map<string, Transfer>
  /** Units that stock items lost and got by each line of a transfer. */
  readonly left: Map<string, number>
  readonly came: Map<string, number>
  /** What a place expects. */
  readonly incoming: Map<string, number>
}
type Transfer = { readonly to: string; isOver: boolean; readonly lines: Map<string, Line> }
type Line = { readonly sent: number; received: number; lost: number; back: number }

export const openTransit = (): Transit => ({
  transfers: new Map(),
  left: new Map(),
  came: new Map(),
  incoming: new Map(),
})

// biome-ignore lint/suspicious/noExplicitAny: the log's own JSON, read as a stranger would read it
type Data = any
type Handler = (transit: Transit, data: Data, breach: (text: string) => void) => void

const add = (sums: Map<string, number>, key: string, by: number) =>
  void sums.set(key, (sums.get(key) ?? 0) + by)
const lineOf = ({ transfer_id, product_id }: Data) => `${transfer_id}:${product_id}`
const onTheWay = ({ sent, received, lost, back }: Line) => sent - received - lost - back

/** A transfer that changes: it must be under way, and no unit may end twice. */
const changing =
  (change: (line: Line, by: Data) => void, isOver: (data: Data) => boolean): Handler =>
  (transit, data, breach) => {
    const { transfer_id } = data
    const transfer = transit.transfers.get(transfer_id)
    if (transfer === undefined) return breach(`the unknown transfer ${transfer_id} has changed`)
    if (transfer.isOver) breach(`transfer ${transfer_id} was over, and has changed`)
    for (const by of data.lines) {
      const line = transfer.lines.get(by.product_id)
      if (line === undefined) breach(`${by.product_id} was never in transfer ${transfer_id}`)
      else change(line, by)
    }
    transfer.isOver = isOver(data)
    for (const [product, line] of transfer.lines) {
      const left = onTheWay(line)
      if (left < 0 || (transfer.isOver && left !== 0))
        breach(`transfer ${transfer_id}: ${left} of ${product} are on their way`)
    }
  }

export const transitHandlers: Readonly<Record<Recorded['event_type'], Handler>> = {
  TransferStarted: ({ transfers }, { transfer_id, to_store_id: to, lines }, breach) => {
    if (transfers.has(transfer_id)) breach(`transfer ${transfer_id} was started twice`)
    const nothing = { received: 0, lost: 0, back: 0 }
    const opened = lines.map(({ product_id, quantity: sent }: Data): [string, Line] => [
      product_id,
      { sent, ...nothing },
    ])
    transfers.set(transfer_id, { to, isOver: false, lines: new Map(opened) })
  },
  TransferReceived: changing(
    (line, { received, damaged, missing }) => {
      line.received += received
      line.lost += damaged + missing
    },
    ({ is_closed }) => is_closed,
  ),
  TransferCancelled: changing(
    (line, { quantity }) => {
      line.back += quantity
    },
    () => true,
  ),
  StockTransferredOut: ({ left }, data) => add(left, lineOf(data), data.quantity),
  StockTransferredIn: ({ came, incoming }, data, breach) => {
    add(came, lineOf(data), data.quantity)
    expect(incoming, data, -data.settled, breach)
  },
  IncomingStockChanged: ({ incoming }, data, breach) => expect(incoming, data, data.change, breach),
}

function expect(
  incoming: Transit['incoming'],
  { product_id, store_id }: Data,
  by: number,
  breach: (text: string) => void,
): void {
  const place = `${product_id}:${store_id}`
  add(incoming, place, by)
  if (incoming.get(place)! < 0) breach(`${place} expects ${incoming.get(place)}`)
}

/** Of a log that has been read to its end. */
export function transitTroubles({ transfers, left, came, incoming }: Transit): readonly string[] {
  const problems: string[] = []
  const expected = new Map<string, number>()
  for (const [id, { to, lines }] of transfers)
    for (const [product, line] of lines) {
      const key = `${id}:${product}`
      const [out, home] = [left.get(key) ?? 0, came.get(key) ?? 0]
      if (out !== line.sent || home !== line.received + line.back)
        problems.push(
          `transfer ${id} sent ${line.sent} of ${product}, ${line.received} came and ` +
            `${line.back} went back; stock says ${out} and ${home}`,
        )
      add(expected, `${product}:${to}`, onTheWay(line))
    }
  for (const place of new Set([...expected.keys(), ...incoming.keys()])) {
    const [ours, theirs] = [expected.get(place) ?? 0, incoming.get(place) ?? 0]
    if (ours !== theirs) problems.push(`${ours} are on their way to ${place}; stock says ${theirs}`)
  }
  return problems
}
