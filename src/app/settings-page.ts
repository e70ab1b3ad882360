// docs/reference/settings.md, written from the table of settings, so that it cannot be out of date.
import { environmentName, namedFlags, settingKeys, settings } from './settings.ts'

const HEAD = `# Settings

Generated from \`src/app/settings.ts\` by \`npm run docs\`; a test fails when this page is stale.

Every setting has a dotted key. It can be given, in rising order,

1. in a file: \`configs/config.yaml\` if it is there, or the one that \`--config PATH\` names; nested
   (\`server: { port: 80 }\`) or dotted (\`server.port: 80\`);
2. in the environment, under the name below; an empty variable counts as not set;
3. on the command line: \`--set key=value\`, or one of the short flags below. The last one wins.

Times are written with their unit (\`100ms\`, \`30s\`, \`15m\`, \`24h\`, \`7d\`); lists as YAML lists, or with
commas in the environment and in flags. All mistakes are reported at once, before anything is opened.
`

export function settingsPage(): string {
  const flags = Object.entries(namedFlags).map(([flag, key]) => `| \`--${flag}\` | \`${key}\` |`)
  const rows = settingKeys.map((key) => {
    const { standard, kind, about, since } = settings[key]
    const cells = [
      code(key),
      code(written(standard)),
      kind.allowed,
      about,
      code(environmentName(key)),
      since,
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return [
    HEAD,
    '| key | default | allowed | what it is for | environment | since |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    '## Short flags',
    '',
    '| flag | sets |',
    '| --- | --- |',
    ...flags,
    '',
  ].join('\n')
}

const written = (value: unknown) =>
  Array.isArray(value)
    ? `[${value.join(', ')}]`
    : typeof value === 'object'
      ? JSON.stringify(value)
      : value === ''
        ? '(empty)'
        : String(value)
const code = (text: string) => `\`${text}\``
