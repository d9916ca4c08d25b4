/** Publishes ports on a host, as its Docker daemon does for containers. */
import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'

/** Sent `POST /<port>` to publish a port, and `DELETE /<port>` to end that. */
export class PublishingHost implements AsyncDisposable {
  readonly conflicts: string[] = []
  published = 0
  readonly #servers = new Map<string, http.Server>()
  readonly #http: http.Server
  readonly #address: string

  private constructor(address: string) {
    this.#address = address
    this.#http = http.createServer(async ({ method, url = '' }, response) => {
      const port = url.slice(1)
      try {
        if (method === 'POST') await this.#publish(port)
        else await this.#end(port)
      } catch (error) {
        this.conflicts.push((error as Error).message)
        response.statusCode = 409
        response.end((error as Error).message)
        return
      }
      response.end('done')
    })
  }

  static async start(address: string): Promise<PublishingHost> {
    const host = new PublishingHost(address)
    await once(host.#http.listen(0, address), 'listening')
    return host
  }

  get url(): string {
    return `http://${this.#address}:${(this.#http.address() as net.AddressInfo).port}`
  }

  get ports(): number[] {
    return [...this.#servers.keys()].map(Number).sort()
  }

  async #publish(port: string): Promise<void> {
    const server = http.createServer((_, response) => void response.end(`container on ${port}`))
    await once(server.listen(Number(port), this.#address), 'listening')
    this.#servers.set(port, server)
    this.published++
  }

  async #end(port: string): Promise<void> {
    const server = this.#servers.get(port)
    this.#servers.delete(port)
    if (!server) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((port) => this.#end(port)))
    this.#http.close()
    this.#http.closeAllConnections()
  }
}
