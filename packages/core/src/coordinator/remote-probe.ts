import net from 'node:net'
import { codeOf, isOutOfDescriptors, PortsliceError } from '../errors.js'
import type { ResolvedRemote } from '../options/remote.js'

type Answer = 'accepted' | 'refused' | 'none'

const CONNECT_TIMEOUT_MS = 1000
/** If none of the first ports answers, no port will. */
const MAX_UNANSWERED = 3
/** These mean that the name or the route is wrong, whichever port is tried. */
const UNREACHABLE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN'])

/** Connects to ports of another host to find out whether they are free. */
export class RemoteProbe {
  readonly #remote: ResolvedRemote
  #answered = false
  readonly #unanswered = new Set<number>()

  constructor(remote: ResolvedRemote) {
    this.#remote = remote
  }

  get unanswered(): ReadonlySet<number> {
    return this.#unanswered
  }

  /** @throws PortsliceError if the host answers on no port */
  async isUsable(port: number): Promise<boolean> {
    const answer = await this.#ask(port)
    if (answer !== 'none') {
      this.#answered = true
      this.#unanswered.delete(port)
      return answer === 'refused'
    }
    if (this.#remote.unansweredPorts === 'use') return true
    this.#unanswered.add(port)
    if (!this.#answered && this.#unanswered.size >= MAX_UNANSWERED) throw this.#noAnswer()
    return false
  }

  isListening = async (port: number): Promise<boolean> => {
    try {
      return (await this.#ask(port)) === 'accepted'
    } catch (error) {
      if (isOutOfDescriptors(error)) throw error
      return false
    }
  }

  #ask(port: number): Promise<Answer> {
    const { host } = this.#remote
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host })
      const end = (answer: Answer) => {
        socket.destroy()
        resolve(answer)
      }
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => end('none'))
      socket.once('connect', () => end('accepted'))
      socket.once('error', (error) => {
        const code = codeOf(error)
        if (isOutOfDescriptors(error)) reject(error)
        else if (code === 'ECONNREFUSED') end('refused')
        else if (UNREACHABLE.has(code)) reject(this.#unreachable(error))
        // A reset after the connection was accepted.
        else end(code === 'ECONNRESET' ? 'accepted' : 'none')
      })
    })
  }

  #unreachable(cause: Error): PortsliceError {
    const { host } = this.#remote
    return new PortsliceError(
      'ERR_PORTSLICE_HOST',
      `The host ${JSON.stringify(host)} cannot be reached: ${cause.message}.`,
      {
        value: host,
        advice:
          'Check the name (option `host`, $PORTSLICE_HOST) and the network between this machine and the host.',
        cause,
      },
    )
  }

  #noAnswer(): PortsliceError {
    const { host } = this.#remote
    const ports = [...this.#unanswered].join(', ')
    return new PortsliceError(
      'ERR_PORTSLICE_HOST',
      `The host ${JSON.stringify(host)} does not answer on the ports ${ports} within ${CONNECT_TIMEOUT_MS} ms each: it neither accepts nor refuses connections, so it is unknown whether they are free.`,
      {
        value: host,
        advice:
          "If a firewall drops packets to closed ports, let it reject them for these machines, or set `unansweredPorts: 'use'` ($PORTSLICE_UNANSWERED_PORTS=use) to treat ports without an answer as free. Otherwise check that the host is up.",
      },
    )
  }
}
