// Writes the generated pages of docs/reference.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingsPage } from '#app/settings-page.ts'

const FOLDER = join(import.meta.dirname, '..', 'docs', 'reference')
mkdirSync(FOLDER, { recursive: true })
writeFileSync(join(FOLDER, 'settings.md'), settingsPage())
console.log('docs/reference: settings.md')
