// The viewer of the API's description: markup, style and script of its own, served as three
// documents. The script reads /openapi.json and writes text nodes only, so nothing in a description
// is ever markup.

type Kinds = Readonly<Record<string, { readonly status: number; readonly title: string }>>

export const docsMarkup = (kinds: Kinds) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs.css">
<script src="/docs.js" defer></script>
</head>
<body>
<nav>
<h1 id="title">API</h1>
<input id="search" type="search" placeholder="Search" aria-label="Search operations">
<div id="map"></div>
</nav>
<main>
<p id="about">This page needs JavaScript; <a href="/openapi.json">openapi.json</a> does not.</p>
<div id="operations"></div>
<section>
<h2 id="problems">Problems</h2>
<table>
${Object.entries(kinds)
  .map(([code, { status, title }]) => row(code, status, title))
  .join('\n')}
</table>
</section>
</main>
</body>
</html>
`
const row = (code: string, status: number, title: string) =>
  `<tr id="${code}"><td>${status}</td><td><code>${code}</code></td><td>${title}</td></tr>`

export const docsStyle = `:root { color-scheme: light dark; --line: #8884; --soft: #8881;
  --get: #2a7de1; --post: #1d8a4a; --patch: #b5720b; --put: #b5720b; --delete: #c8352b;
  font: 15px/1.5 system-ui, sans-serif; }
* { box-sizing: border-box; } [hidden] { display: none !important; }
body { margin: 0; display: grid; grid-template-columns: 270px 1fr; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 20px;
  border-right: 1px solid var(--line); background: var(--soft); }
nav h1 { font-size: 19px; margin: 0 0 12px; }
nav h2 { font-size: 12px; margin: 18px 0 4px; text-transform: uppercase; letter-spacing: .06em;
  opacity: .65; }
nav a { display: block; padding: 2px 0; color: inherit; text-decoration: none; font-size: 13.5px;
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
nav a:hover { text-decoration: underline; }
main { padding: 24px 36px 80px; max-width: 980px; min-width: 0; }
main h2 { margin: 36px 0 10px; text-transform: capitalize; }
#about { white-space: pre-line; opacity: .8; }
details.operation { border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; }
details.operation > summary { display: flex; gap: 12px; align-items: baseline; padding: 9px 14px;
  cursor: pointer; list-style: none; }
details.operation[open] > summary { border-bottom: 1px solid var(--line); }
summary .path { font: 14px ui-monospace, monospace; overflow-wrap: anywhere; }
summary .told { margin-left: auto; opacity: .7; text-align: right; font-size: 13.5px; }
.method { font: 700 11.5px ui-monospace, monospace; color: #fff; border-radius: 4px;
  padding: 3px 0; min-width: 58px; text-align: center; background: var(--get); }
.method.post { background: var(--post); } .method.patch { background: var(--patch); }
.method.put { background: var(--put); } .method.delete { background: var(--delete); }
.inside { padding: 6px 16px 16px; }
h3 { font-size: 13px; margin: 16px 0 6px; opacity: .75; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
td { border-top: 1px solid var(--line); padding: 5px 12px 5px 0; vertical-align: top; }
td:last-child { width: 55%; }
code, pre, textarea { font: 13px/1.45 ui-monospace, monospace; }
.kind { opacity: .65; font-size: 12.5px; }
.must::after { content: " *"; color: var(--delete); }
pre { background: var(--soft); border-radius: 6px; padding: 10px 12px; overflow: auto;
  max-height: 420px; margin: 6px 0; }
input, textarea, button { font: inherit; color: inherit; background: Field; width: 100%;
  border: 1px solid var(--line); border-radius: 6px; padding: 5px 9px; }
textarea { font: 13px/1.45 ui-monospace, monospace; min-height: 110px; resize: vertical; }
button { width: auto; background: var(--get); color: #fff; border: 0; padding: 7px 18px;
  cursor: pointer; margin-top: 10px; font-weight: 600; }
:target { background: #ffd54033; scroll-margin: 20px; }
@media (max-width: 760px) { body { display: block; } nav { position: static; height: auto; }
  main { padding: 16px; } }
`

export const docsScript = `'use strict'
const at = (id) => document.getElementById(id)
const make = (tag, props, ...children) => {
  const element = Object.assign(document.createElement(tag), props)
  element.append(...children.filter((child) => child !== undefined && child !== null))
  return element
}
const show = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2))

/** What a schema says in one line. */
function kindOf(schema) {
  if (schema.enum) return schema.enum.join(' | ')
  if (schema.anyOf) return schema.anyOf.map(kindOf).join(' or ')
  if (schema.type === 'array') return 'list of ' + kindOf(schema.items || {})
  const kind = [].concat(schema.type || 'anything').join(' or ')
  return schema.format ? kind + ' (' + schema.format + ')' : kind
}
const inner = (schema) =>
  schema.anyOf ? inner(schema.anyOf[0])
    : schema.type === 'array' ? inner(schema.items || {}) : schema

/** Rows for the fields of an object, those of objects inside indented by their path. */
function rows(schema, above = '') {
  const { properties = {}, required = [] } = inner(schema)
  return Object.entries(properties).flatMap(([name, field]) => [
    make('tr', {},
      make('td', {},
        make('code', { className: required.includes(name) ? 'must' : '' }, above + name)),
      make('td', { className: 'kind' }, kindOf(field)),
      make('td', {}, field.description || '')),
    ...rows(field, above + name + (kindOf(field).startsWith('list') ? '[].' : '.')),
  ])
}
const fieldTable = (title, schema) => {
  const lines = rows(schema)
  if (lines.length === 0) return []
  return [make('h3', {}, title), make('table', {}, ...lines)]
}

/** A line with an input for each parameter; returns how to read it. */
function parameterRows(parameters) {
  return parameters.map((parameter) => {
    const input = make('input', { name: parameter.name, spellcheck: false })
    input.setAttribute('aria-label', parameter.name)
    return { ...parameter, input, row: make('tr', {},
      make('td', {}, make('code', { className: parameter.required ? 'must' : '' }, parameter.name),
        make('div', { className: 'kind' }, parameter.in + ', ' + kindOf(parameter.schema))),
      make('td', {}, parameter.description || ''),
      make('td', {}, input)) }
  })
}

async function call(method, path, parameters, body) {
  const query = new URLSearchParams()
  const headers = {}
  let url = path
  for (const { name, in: where, input } of parameters) {
    if (where === 'path') url = url.replace('{' + name + '}', encodeURIComponent(input.value))
    else if (input.value !== '' && where === 'query') query.set(name, input.value)
    else if (input.value !== '') headers[name] = input.value
  }
  if (String(query) !== '') url += '?' + query
  if (body !== undefined) headers['content-type'] = 'application/json'
  const answer = await fetch(url, { method, headers, body })
  const text = await answer.text()
  const shown = ['etag', 'location', 'idempotent-replayed', 'link', 'x-correlation-id']
    .filter((name) => answer.headers.has(name))
    .map((name) => name + ': ' + answer.headers.get(name) + '\\n')
  return method + ' ' + url + '\\n\\n' + answer.status + ' ' + answer.statusText + '\\n' +
    shown.join('') + '\\n' + pretty(text)
}
/** Line breaks only: reading and writing it anew would lose the digits of 29.90. */
function pretty(text) {
  let depth = 0
  return text.replace(/"(?:[^"\\\\]|\\\\.)*"|[{}\\[\\],:]/g, (part) => {
    if (part === '{' || part === '[') return part + '\\n' + '  '.repeat(++depth)
    if (part === '}' || part === ']') return '\\n' + '  '.repeat(Math.max(0, --depth)) + part
    return part === ',' ? ',\\n' + '  '.repeat(depth) : part === ':' ? ': ' : part
  })
}

function insideOf(method, path, operation) {
  const parameters = parameterRows(operation.parameters || [])
  const content = operation.requestBody && operation.requestBody.content['application/json']
  const body = content && make('textarea', { value: show(content.example), spellcheck: false })
  const result = make('pre', { hidden: true })
  const button = make('button', { type: 'button' }, 'Send')
  button.onclick = async () => {
    result.hidden = false
    result.textContent = '…'
    result.textContent = await call(method, path, parameters, body && body.value).catch(String)
  }
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))
  const schema = success && success[1].content && success[1].content['application/json'].schema
  return [
    operation.description && make('p', {}, operation.description),
    ...(parameters.length === 0 ? [] :
      [make('h3', {}, 'Parameters'), make('table', {}, ...parameters.map(({ row }) => row))]),
    ...(content ? [...fieldTable('Body', content.schema), make('h3', {}, 'Try it'), body] : []),
    button, result,
    ...(schema ? fieldTable('Answer ' + success[0], schema) : []),
  ]
}

function operationOf(method, path, operation) {
  const inside = make('div', { className: 'inside' })
  const whole = make('details', { className: 'operation', id: operation.operationId },
    make('summary', {},
      make('span', { className: 'method ' + method }, method.toUpperCase()),
      make('span', { className: 'path' }, path),
      make('span', { className: 'told' }, operation.summary)), inside)
  whole.ontoggle = () => {
    if (inside.childElementCount === 0)
      inside.append(...insideOf(method.toUpperCase(), path, operation).filter(Boolean))
  }
  return whole
}

function openTarget() {
  const target = at(decodeURIComponent(location.hash.slice(1)))
  if (target && target.tagName === 'DETAILS') target.open = true
  if (target) target.scrollIntoView()
}

async function start() {
  const { info, paths, tags } = await (await fetch('/openapi.json')).json()
  document.title = at('title').textContent = info.title + ' ' + info.version
  at('about').textContent = info.description
  for (const { name } of tags) {
    const found = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).filter(([, one]) => one.tags.includes(name))
        .map(([method, one]) => [method, path, one]))
    at('operations').append(make('section', {}, make('h2', {}, name),
      ...found.map((one) => operationOf(...one))))
    const firsts = found.filter(([, , { operationId }]) => !/_[0-9]+$/.test(operationId))
    at('map').append(make('h2', {}, name), ...firsts.map(([method, path, one]) =>
      make('a', { href: '#' + one.operationId, title: method + ' ' + path }, one.summary)))
  }
  at('search').oninput = ({ target }) => {
    const word = target.value.toLowerCase()
    for (const one of document.querySelectorAll('.operation, nav a'))
      one.hidden = !(one.textContent + one.id + one.title).toLowerCase().includes(word)
  }
  onhashchange = openTarget
  openTarget()
}
start()
`
