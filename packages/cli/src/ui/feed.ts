import type { ServerResponse } from 'node:http'
import { changeBetween, type Rows } from '@portslice/pages/live'

/** The time between two readings. It does not depend on the number of changes. */
const READ_INTERVAL_MS = 500
/** The time between two empty comments, which reveal a lost connection. */
const HEARTBEAT_INTERVAL_MS = 15_000

interface Client {
  response: ServerResponse
  /** The rows that it has received. A slow client later gets all differences in one change. */
  sent?: Rows
}

/** Reads the state of the machine while a page is open, and sends the changes as server-sent events. */
export class Feed {
  readonly #read: () => Promise<Rows>
  readonly #onError: (error: unknown) => void
  readonly #clients = new Set<Client>()
  #timer: NodeJS.Timeout | undefined
  #isReading = false

  constructor(read: () => Promise<Rows>, onError: (error: unknown) => void) {
    this.#read = read
    this.#onError = onError
  }

  connect(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.flushHeaders()
    const client: Client = { response }
    this.#clients.add(client)
    const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT_INTERVAL_MS)
    response.on('close', () => {
      clearInterval(heartbeat)
      this.#clients.delete(client)
    })
    clearTimeout(this.#timer)
    void this.#update()
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { response } of this.#clients) response.end()
    this.#clients.clear()
  }

  async #update(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      const rows = await this.#read()
      for (const client of this.#clients) send(client, rows)
    } catch (error) {
      this.#onError(error)
    } finally {
      this.#isReading = false
    }
    if (this.#clients.size === 0) return
    this.#timer = setTimeout(() => void this.#update(), READ_INTERVAL_MS)
  }
}

function send(client: Client, rows: Rows): void {
  const { response, sent } = client
  if (response.writableNeedDrain) return
  const change = sent ? changeBetween(sent, rows) : undefined
  client.sent = rows
  if (!sent) response.write(`event: snapshot\ndata: ${JSON.stringify(rows)}\n\n`)
  else if (change) response.write(`event: change\ndata: ${JSON.stringify(change)}\n\n`)
}
