// The bare HTTP server: reads a body, parses it, answers as many bytes as ours. Run as a child, so
// that its CPU is its own.
import { createServer } from 'node:http'
import { serveMeasured } from './measured-child.ts'

const ANSWER = JSON.stringify({
  counter_id: 'counter-17',
  total_minor: 1_234_567,
  position: 123_456,
  version: 618,
})

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString())
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(ANSWER),
    })
    response.end(ANSWER)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was bound')
  serveMeasured(address.port)
})
