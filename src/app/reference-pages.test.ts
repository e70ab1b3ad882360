// The generated pages say what the code says today, and say it of everything.
import { equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { contextsOf } from './contexts.ts'
import { noProviders } from './no-providers.ts'
import { commandsPage, eventsPage, queriesPage } from './reference-pages.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'reference')
const pages = {
  'commands.md': commandsPage(),
  'queries.md': queriesPage(),
  'events.md': eventsPage(),
}

describe('the reference', () => {
  for (const [name, text] of Object.entries(pages))
    it(`${name} is as the code is; \`npm run docs\` writes it anew`, () =>
      equal(readFileSync(join(FOLDER, name), 'utf8'), text))

  it('leaves out no command, no query and no event', () => {
    for (const { aggregates, commands, queries } of contextsOf(noProviders)) {
      for (const { type } of commands) ok(pages['commands.md'].includes(`| \`${type}\``), type)
      for (const { type } of queries) ok(pages['queries.md'].includes(`| \`${type}\``), type)
      for (const { events } of aggregates)
        for (const name of Object.keys(events))
          ok(pages['events.md'].includes(`| \`${name}\``), name)
    }
  })

  it('marks what tells of a person', () => ok(pages['events.md'].includes('†,')))
})
