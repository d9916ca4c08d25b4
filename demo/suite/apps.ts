/** Real HTTP servers that need a while to start, and a record of the time their ports are out. */
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Recorder } from 'portslice-test/support/intervals'
import { FASTEST_START, SLOWEST_START } from './size.ts'
import { recordFiles, source } from './surroundings.ts'

export interface App {
  url: string
  stop(): Promise<void>
}

/** The apps of one test or of one worker. */
export class Apps implements AsyncDisposable {
  readonly #takePort: () => Promise<number>
  readonly #starting: Promise<App>[] = []

  constructor(takePort: () => Promise<number>) {
    this.#takePort = takePort
  }

  /** @throws Error EADDRINUSE when somebody else has the port */
  start(answer: RequestListener): Promise<App> {
    const app = this.#takePort().then((port) => startApp(port, answer))
    this.#starting.push(app)
    return app
  }

  /** Waits for apps that still start: a test that fails early must not leave any. */
  async [Symbol.asyncDispose](): Promise<void> {
    const started = await Promise.allSettled(this.#starting)
    await Promise.all(started.map((app) => app.status === 'fulfilled' && app.value.stop()))
  }
}

const records = recordFiles()
const out = new Recorder(records.out)
const unbound = new Recorder(records.unbound)

/**
 * To get-port a port is free as soon as its server begins to close, and may rightly go to
 * somebody else; a port of portslice is out until the fixture gives it back after that.
 */
const RETURNED_BY_CLOSING = source() !== 'portslice'

async function startApp(port: number, answer: RequestListener): Promise<App> {
  const givenBack = out.out(port)
  const bound = unbound.out(port)
  const server = createServer(answer)
  try {
    await delay(FASTEST_START + Math.random() * (SLOWEST_START - FASTEST_START))
    server.listen(port)
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      appendFileSync(records.refused, `${port}\n`)
    }
    // An app that could not start has no more use for its port.
    givenBack()
    throw error
  } finally {
    bound()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      if (RETURNED_BY_CLOSING) givenBack()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      if (!RETURNED_BY_CLOSING) givenBack()
    },
  }
}
