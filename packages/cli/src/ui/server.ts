import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { checkRequest } from './check-request.js'
import type { Feed } from './feed.js'

export interface PageSource {
  script: string
  style: string
}

export interface UiServerOptions {
  port: number
  /** The first part of the path of every URL. */
  token: string
  /** Opens the page once, because other users can see the command line that opens the browser. */
  oneTimeKey?: string | undefined
  page: PageSource
  feed: Feed
}

const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>portslice</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
<script defer src="page.js"></script>
<body><noscript>This page needs JavaScript.</noscript></body>
</html>
`

/** Serves the page and its events. */
export function createUiServer(options: UiServerOptions): Server {
  const { port, token, page, feed } = options
  let { oneTimeKey } = options
  const files = new Map([
    ['', { type: 'text/html; charset=utf-8', body: HTML }],
    ['page.js', { type: 'text/javascript; charset=utf-8', body: page.script }],
    ['page.css', { type: 'text/css; charset=utf-8', body: page.style }],
  ])
  return createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const refusal = checkRequest(request, { port, token, oneTimeKey })
    if (refusal) return respond(response, refusal.status, `${refusal.reason}\n`)
    if (request.url === `/${oneTimeKey}`) {
      oneTimeKey = undefined
      response.setHeader('location', `/${token}/`)
      return respond(response, 303, '')
    }
    const name = nameOf(request, token)
    if (name === 'events' && request.method === 'GET') return feed.connect(response)
    const file = files.get(name)
    if (!file) return respond(response, 404, 'not found\n')
    respond(response, 200, file.body, file.type)
  })
}

function nameOf({ url = '' }: IncomingMessage, token: string): string {
  return url.slice(token.length + 2).split('?')[0] as string
}

function respond(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
