// Writes the generated pages of docs/reference.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandsPage, eventsPage, queriesPage } from '#app/reference-pages.ts'
import { settingsPage } from '#app/settings-page.ts'

const FOLDER = join(import.meta.dirname, '..', 'docs', 'reference')
const pages = {
  'commands.md': commandsPage(),
  'events.md': eventsPage(),
  'queries.md': queriesPage(),
  'settings.md': settingsPage(),
}

mkdirSync(FOLDER, { recursive: true })
for (const [name, text] of Object.entries(pages)) writeFileSync(join(FOLDER, name), text)
console.log(`docs/reference: ${Object.keys(pages).join(', ')}`)
