import { once } from 'node:events'
import net from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

interface Target {
  readonly port: number
  readonly address: string
}

/**
 * Passes connections on to a server, and counts the requests that waited for an answer. Can be cut off, and
 * pass on to another server, as a name does that is given to a replica.
 */
export class CountingProxy implements AsyncDisposable {
  /** How often a client has sent something after the server had. */
  roundTrips = 0
  /** How long each answer is held back, in ms. */
  delayMs = 0
  #target: Target | undefined
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #onRequest = Promise.withResolvers<void>()

  private constructor(first: Target) {
    this.#target = first
    this.#server = net.createServer((client) => {
      const target = this.#target
      if (!target) return void client.destroy()
      const server = net.connect(target.port, target.address)
      let hasAnswered = true
      client.on('data', () => {
        if (hasAnswered) this.roundTrips++
        hasAnswered = false
        this.#onRequest.resolve()
        this.#onRequest = Promise.withResolvers()
      })
      server.on('data', () => {
        hasAnswered = true
      })
      for (const socket of [client, server]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
      }
      const delay = new Transform({
        transform: (answer, _, done) =>
          void setTimeout(this.delayMs, answer).then((late) => done(null, late)),
      })
      client.pipe(server).pipe(delay).pipe(client)
    })
  }

  static async start(target: Target): Promise<CountingProxy> {
    const proxy = new CountingProxy(target)
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  /** @param url of the server @returns the same through this proxy */
  through(url: string): string {
    const changed = new URL(url)
    changed.hostname = '127.0.0.1'
    changed.port = String((this.#server.address() as net.AddressInfo).port)
    return changed.href
  }

  /** Resolves when a client sends something. */
  nextRequest(): Promise<void> {
    return this.#onRequest.promise
  }

  /** Ends all connections, and passes new ones on to another server, or none. */
  switchTo(target: Target | undefined): void {
    this.#target = target
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
