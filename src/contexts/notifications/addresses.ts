// Which addresses belong to everybody's internet, and which to a network of one's own: nobody may
// use the shop to knock at its neighbours' doors. Pure; by the registries of special addresses
// (RFC 6890 and what came after).

/** Of the plain form, `93.184.215.14` or `2606:2800::1`; anything else is not public. */
export function isPublicAddress(address: string): boolean {
  const four = ipv4(address)
  if (four !== null) return isPublicV4(four)
  const groups = ipv6(address)
  return groups !== null && isPublicV6(groups)
}

const PRIVATE_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
].map((range) => {
  const [network = '', bits = ''] = range.split('/')
  return { network: ipv4(network)!, size: 2 ** (32 - Number(bits)) }
})

const isPublicV4 = (address: number): boolean =>
  !PRIVATE_V4.some(({ network, size }) => address >= network && address < network + size)

type Groups = readonly number[]

function isPublicV6(groups: Groups): boolean {
  const [first = 0, second = 0, third = 0] = groups
  const last = (groups[6] ?? 0) * 65_536 + (groups[7] ?? 0)
  const begins = (...start: readonly number[]) => start.every((group, i) => groups[i] === group)
  // Those that stand for an IPv4 address are as public as that: mapped, and translated (NAT64).
  if (begins(0, 0, 0, 0, 0, 0xffff) || begins(0x64, 0xff9b, 0, 0, 0, 0)) return isPublicV4(last)
  // 6to4 carries one in its middle.
  if (first === 0x2002) return isPublicV4(second * 65_536 + third)
  // Of what is left only 2000::/3 is given out, but for protocols (Teredo …) and documentation.
  if (first < 0x2000 || first > 0x3fff) return false
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return false
  return !(first === 0x3fff && second < 0x1000)
}

function ipv4(text: string): number | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null
  const bytes = text.split('.').map(Number)
  return bytes.some((byte) => byte > 255) ? null : bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

/** Eight groups; null: no IPv6 address. A zone (`%eth0`) makes it one of a network of one's own. */
function ipv6(text: string): Groups | null {
  const [head = '', tail, ...more] = plainGroups(text).split('::')
  if (more.length > 0) return null
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')]
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const all = [...before, ...Array.from({ length: missing }, () => '0'), ...after]
  if (!all.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return null
  return all.map((group) => Number.parseInt(group, 16))
}

/** `::ffff:10.0.0.1` with its last part as two groups. */
function plainGroups(text: string): string {
  const [, head, dotted] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? []
  const four = dotted === undefined ? null : ipv4(dotted)
  if (four === null) return text
  return `${head}${(four >>> 16).toString(16)}:${(four & 0xffff).toString(16)}`
}
