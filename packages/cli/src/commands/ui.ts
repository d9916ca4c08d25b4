import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { claimPort, createAllocator, type PortLease } from '@portslice/core'
import { inspect, LAST_PORT, resolveOptions } from '@portslice/core/internal/inspect'
import { type Arguments, readArguments, type Syntax } from '../command-line/arguments.js'
import { portFromText } from '../command-line/ports.js'
import { usageError } from '../command-line/usage-error.js'
import { printError, printNotice } from '../terminal/print.js'
import { Feed } from '../ui/feed.js'
import { openBrowser } from '../ui/open-browser.js'
import { RowReader } from '../ui/read-rows.js'
import { createUiServer, type PageSource } from '../ui/server.js'

/** Inserted by the build. */
declare const LIVE_PAGE: PageSource

export const help = `portslice ui: shows runs, ports and the range on a page that updates itself

  portslice ui                          serves it on a free port, until Ctrl-C
  portslice ui --open                   and opens it in the browser
  portslice ui --port 4000

Options
  --port PORT   serves it on this port; waits up to 10 s for it
  --open        opens the browser

It only reads, and only programs of this machine that know the printed URL can reach it.
`

export const syntax: Syntax<'port' | 'open'> = {
  command: 'ui',
  options: { port: { type: 'string', example: '4000' }, open: { type: 'boolean' } },
}

const CLAIM_TIMEOUT_MS = 10_000

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const wanted = parsePort(given)
  const ended = untilSignal()
  await using lease = await leasePort(wanted)
  const { port } = lease
  const reader = new RowReader(resolveOptions({}))
  const feed = new Feed(() => reader.read(), onceEach(printError))
  const token = newToken()
  const oneTimeKey = given.has('open') ? newToken() : undefined
  const server = createUiServer({ port, token, oneTimeKey, page: LIVE_PAGE, feed })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${port}`
  process.stdout.write(`${origin}/${token}/\n`)
  if (oneTimeKey !== undefined) {
    openBrowser(`${origin}/${oneTimeKey}`, () =>
      printNotice('no browser could be opened; open the URL above yourself'),
    )
  }
  await ended
  feed.close()
  server.close()
  server.closeAllConnections()
  return 0
}

function newToken(): string {
  return randomBytes(16).toString('base64url')
}

function parsePort(given: Arguments<'port'>): number | undefined {
  const text = given.value('port')
  if (text === undefined) return undefined
  const port = portFromText(text)
  if (port !== undefined) return port
  throw usageError(
    `The option --port is ${inspect(text)}.`,
    `Give a port from 1 to ${LAST_PORT}, as in: --port 4000`,
    text,
  )
}

async function leasePort(wanted: number | undefined): Promise<PortLease> {
  if (wanted !== undefined) return claimPort(wanted, { timeout: CLAIM_TIMEOUT_MS })
  const allocator = await createAllocator()
  return allocator.take({ label: 'portslice ui' })
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => resolve())
  })
}

/** Calls `print` once for each different error, even if every reading fails. */
function onceEach(print: (message: string) => void): (error: unknown) => void {
  const printed = new Set<string>()
  return (error) => {
    const message = error instanceof Error ? error.message : String(error)
    if (!printed.has(message)) print(message)
    printed.add(message)
  }
}
