import { once } from 'node:events'
import net from 'node:net'

/** Forwards PostgreSQL connections but replaces their process ids, as connection poolers do. */
export class FakePooler implements AsyncDisposable {
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()

  private constructor(server: net.Server) {
    this.#server = server
  }

  static async start(target: { port: number; address: string }): Promise<FakePooler> {
    const pooler: FakePooler = new FakePooler(
      net.createServer((client) => {
        const server = net.connect(target.port, target.address)
        for (const socket of [client, server]) {
          pooler.#sockets.add(socket)
          socket.on('error', () => {})
        }
        client.pipe(server)
        server.on('data', (data) => client.write(withOtherProcessId(data)))
        server.on('end', () => client.end())
      }),
    )
    pooler.#server.listen(0, '127.0.0.1')
    await once(pooler.#server, 'listening')
    return pooler
  }

  get url(): string {
    return `postgres://ci@127.0.0.1:${(this.#server.address() as net.AddressInfo).port}/postgres`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** The message `BackendKeyData`: 'K', the length 12, the process id, the key. */
const KEY_DATA = Buffer.from([0x4b, 0, 0, 0, 12])

function withOtherProcessId(data: Buffer): Buffer {
  const at = data.indexOf(KEY_DATA)
  if (at < 0) return data
  const changed = Buffer.from(data)
  changed.writeInt32BE(changed.readInt32BE(at + 5) + 1, at + 5)
  return changed
}
