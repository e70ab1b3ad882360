// What a door tells about itself: /openapi.json, and /docs to read it and try it. No third-party
// assets.
import type { Answer } from './answer.ts'
import { docsMarkup, docsScript, docsStyle } from './docs-viewer.ts'
import { problemKinds } from './problem.ts'
import type { Page } from './server.ts'
import type { Document } from './wire-schema.ts'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function documentPages(describe: () => Document): readonly Page[] {
  let description: string | undefined
  const page = (path: string, contentType: string, text: () => string): Page => ({
    path,
    answer: (): Answer => ({
      status: 200,
      contentType,
      headers: { 'content-security-policy': POLICY },
      text: text(),
    }),
  })
  return [
    page('/openapi.json', 'application/json', () => {
      description ??= JSON.stringify(describe(), null, 1)
      return description
    }),
    page('/docs', 'text/html; charset=utf-8', () => docsMarkup(problemKinds)),
    page('/docs.css', 'text/css; charset=utf-8', () => docsStyle),
    page('/docs.js', 'text/javascript; charset=utf-8', () => docsScript),
  ]
}
