// Plants every fault of the list, one after the other, and prints what the torture said of each, as
// the table of docs/reliability.md. `node scripts/breaks.ts [SEED] [NAME…]`; some twenty minutes.
import { BREAKS } from '#torture/breaks.ts'
import { runBroken } from '#torture/broken-run.ts'

const [seed = String(Math.floor(Math.random() * 1e9)), ...names] = process.argv.slice(2)
const chosen = BREAKS.filter(
  ({ name }) => names.length === 0 || names.some((one) => name.includes(one)),
)
let missed = 0

console.log('| planted | what the torture said |\n| --- | --- |')
for (const one of chosen) {
  const { noticed, said } = await runBroken(one, Number(seed))
  const text = noticed
    ?.split('\n')
    .map((line) => line.trim())
    .join('; ')
    .slice(0, 260)
  console.log(`| ${one.name} | ${text?.replaceAll('|', '/') ?? '**nothing**'} |`)
  if (noticed !== null) continue
  missed++
  console.error(said)
}
process.exitCode = missed === 0 ? 0 : 1
