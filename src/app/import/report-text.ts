// The report of an import as a person reads it.
import { exponentOf, unscaled } from '#kernel/money.ts'
import type { Counted, ImportReport } from './import-tally.ts'
import { CURRENCY } from './retail-invoice.ts'

const ERRORS_SHOWN = 20

export function reportText(report: ImportReport): string {
  const { kinds, products, customers, dry_run, finished, file } = report
  const money = (minor: number) => `${grouped(unscaled(minor, exponentOf(CURRENCY)))} ${CURRENCY}`
  const kind = (name: string, { units, amount_minor, ...counted }: (typeof kinds)['sale']) =>
    `  ${name.padEnd(12)} ${how(counted)}; ${number(counted.lines)} lines, ${number(units)} units` +
    (name === 'corrections' ? '' : `, ${money(amount_minor)}`)
  return [
    `${dry_run ? 'Would import' : 'Imported'} ${file}: ${number(report.lines)} lines`,
    `  ${'products'.padEnd(12)} ${how(products)}`,
    `  ${'customers'.padEnd(12)} ${how(customers)}`,
    kind('orders', kinds.sale),
    kind('returns', kinds.credit),
    kind('corrections', kinds.correction),
    ...errorsText(report),
    ...(dry_run ? ['Nothing was written: this was a dry run.'] : [speedText(report)]),
    ...(finished ? [] : ['Stopped before the end. The same command again goes on from here.']),
    '',
  ].join('\n')
}

function how({ new: brought, before, failed }: Counted): string {
  const parts = [`${number(brought)} new`]
  if (before > 0) parts.push(`${number(before)} were there`)
  if (failed > 0) parts.push(`${number(failed)} refused`)
  return parts.join(', ')
}

function errorsText({ refused_lines, row_errors, failed, failures }: ImportReport): string[] {
  const lines = row_errors
    .slice(0, ERRORS_SHOWN)
    .map(({ line, invoice, reason }) => `    line ${line} (invoice ${invoice}): ${reason}`)
  const whole = failures.slice(0, ERRORS_SHOWN).map(({ what, reason }) => `    ${what}: ${reason}`)
  return [
    ...(refused_lines === 0 ? [] : [`  ${number(refused_lines)} lines were not imported:`]),
    ...lines,
    ...more(refused_lines - lines.length),
    ...(failed === 0 ? [] : [`  ${number(failed)} were refused:`]),
    ...whole,
    ...more(failed - whole.length),
  ]
}

const more = (left: number) => (left > 0 ? [`    … and ${number(left)} more`] : [])

function speedText({ kinds, events, elapsed_ms }: ImportReport): string {
  const seconds = elapsed_ms / 1_000
  const rate = (count: number) => number(Math.round(count / Math.max(seconds, 0.001)))
  return (
    `${seconds.toFixed(1)} s: ${number(events)} events, ` +
    `${rate(kinds.sale.new)} orders/s, ${rate(events)} events/s`
  )
}

const number = (value: number) => value.toLocaleString('en-GB')
const grouped = (decimal: string) => decimal.replace(/\B(?=(\d{3})+(?=\.))/g, ',')
