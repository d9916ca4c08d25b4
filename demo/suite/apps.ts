import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Recorder } from 'portslice-test/support/intervals'
import { recordFiles, source } from './environment.ts'
import { MAX_START_MS, MIN_START_MS } from './size.ts'

export interface App {
  url: string
  stop(): Promise<void>
}

/** The HTTP servers of one test or worker. They start slowly, and record when their ports are in use. */
export class Apps implements AsyncDisposable {
  readonly #takePort: () => Promise<number>
  readonly #starting: Promise<App>[] = []

  constructor(takePort: () => Promise<number>) {
    this.#takePort = takePort
  }

  /** @throws Error EADDRINUSE if another process has the port */
  start(answer: RequestListener): Promise<App> {
    const app = this.#takePort().then((port) => startApp(port, answer))
    this.#starting.push(app)
    return app
  }

  /** Also stops apps that are still starting, for tests that fail early. */
  async [Symbol.asyncDispose](): Promise<void> {
    const started = await Promise.allSettled(this.#starting)
    await Promise.all(started.map((app) => app.status === 'fulfilled' && app.value.stop()))
  }
}

const records = recordFiles()
const out = new Recorder(records.out)
const unbound = new Recorder(records.unbound)

/**
 * With get-port, another process may get the port when the server begins to close. With portslice, no process may
 * get the port before the fixture has released it.
 */
const IS_RELEASED_BY_CLOSING = source() !== 'portslice'

async function startApp(port: number, answer: RequestListener): Promise<App> {
  const recordRelease = out.recordTake(port)
  const recordBind = unbound.recordTake(port)
  const server = createServer(answer)
  try {
    await delay(MIN_START_MS + Math.random() * (MAX_START_MS - MIN_START_MS))
    server.listen(port)
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      appendFileSync(records.failedBinds, `${port}\n`)
    }
    recordRelease()
    throw error
  } finally {
    recordBind()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if (IS_RELEASED_BY_CLOSING) recordRelease()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      if (!IS_RELEASED_BY_CLOSING) recordRelease()
    },
  }
}
