import { randomUUID } from 'node:crypto'
import type { Claim } from '../claim/claim.js'
import type { ClaimStatus } from '../claim/list-claims.js'
import type { Obstacle } from '../claim/obstacle.js'
import type { RemoteHost } from '../claim/remote-host.js'
import { sanitize } from '../errors.js'
import type { ResolvedRemote } from '../options/remote.js'
import { Date, deadlineIn, monotonicNow } from '../platform/clock.js'
import { processWide } from '../process-state.js'
import { type SliceStart, sliceOf } from '../slice/layout.js'
import type { SliceStatus } from '../slice/list-slices.js'
import type { HolderInfo, Holdings, PortEvent, PortUse, Refusal } from './coordinator-session.js'
import { loadCoordinator } from './load-coordinator.js'
import { type Connect, ReconnectingSession, type SessionHolder } from './reconnecting-session.js'
import { RemoteProbe } from './remote-probe.js'
import { RemoteSlice } from './remote-slice.js'
import { claimStatuses, sliceStatuses } from './remote-statuses.js'

/** How long the list of slices that other processes hold is used before it is requested again. */
const HELD_SLICES_AGE_MS = 250

/** The ports of another host, for all allocators of this process (or worker thread). */
export async function openRemoteHost(
  remote: ResolvedRemote,
  holder: HolderInfo,
): Promise<RemoteHost> {
  const hosts = processWide('remote hosts', () => new Map<string, Promise<RemoteHost>>())
  const key = JSON.stringify(remote)
  const known = hosts.get(key)
  if (known) return known
  const opening = connect(remote, holder)
  hosts.set(key, opening)
  opening.catch(() => hosts.delete(key))
  return opening
}

async function connect(remote: ResolvedRemote, holder: HolderInfo): Promise<RemoteHost> {
  const { host, coordinator: url } = remote
  const { openSession } = await loadCoordinator(url)
  const owner = randomUUID()
  const opened = new CoordinatedHost(remote, holder, (onLost) =>
    openSession({ url, host, owner, holder, onLost }),
  )
  await opened.open()
  return opened
}

class CoordinatedHost implements RemoteHost, SessionHolder {
  readonly #remote: ResolvedRemote
  readonly #holder: HolderInfo
  readonly #session: ReconnectingSession
  readonly #probe: RemoteProbe
  readonly #slices = new Map<SliceStart, RemoteSlice>()
  /** The coordinator would let this session hold a slice twice. */
  readonly #leasing = new Set<SliceStart>()
  readonly #claims = new Map<number, PortUse>()
  #recovery = deadlineIn(0)
  #heldByOthers: ReadonlySet<number> = new Set()
  #heldByOthersAt = Number.NEGATIVE_INFINITY

  constructor(remote: ResolvedRemote, holder: HolderInfo, connect: Connect) {
    this.#remote = remote
    this.#holder = holder
    this.#session = new ReconnectingSession(connect, remote.coordinator, this)
    this.#probe = new RemoteProbe(remote)
  }

  open(): Promise<void> {
    return this.#session.open()
  }

  get host(): string {
    return this.#remote.host
  }

  get trouble(): string | undefined {
    if (this.#session.trouble !== undefined) return this.#session.trouble
    if (!this.#recovery.expired) {
      return `The coordinator ${this.#session.name} has just started, or its data is new. Until earlier holders have had time to return, no port is handed out: for ${Math.ceil(this.#recovery.left / 1000)} s more.`
    }
    const { unanswered } = this.#probe
    return unanswered.size > 0
      ? `The host ${JSON.stringify(this.#remote.host)} did not answer on ${unanswered.size} ports, so they were skipped: it is unknown whether they are free. To treat them as free, set \`unansweredPorts: 'use'\` ($PORTSLICE_UNANSWERED_PORTS=use).`
      : undefined
  }

  get isListening(): (port: number) => Promise<boolean> {
    return this.#probe.isListening
  }

  isUsable(port: number): Promise<boolean> {
    return this.#probe.isUsable(port)
  }

  holds(first: number): boolean {
    return this.#slices.has(first) || this.#leasing.has(first)
  }

  async leaseSlice(first: SliceStart): Promise<RemoteSlice | undefined> {
    if (this.holds(first) || this.#isHeldByOthers(first)) return undefined
    this.#leasing.add(first)
    try {
      return await this.#lease(first)
    } finally {
      this.#leasing.delete(first)
    }
  }

  async #lease(first: SliceStart): Promise<RemoteSlice | undefined> {
    const held = await this.#session.call((session) => session.holdSlice(first))
    if ('refused' in held) {
      this.#noteRefusal(held)
      if (held.refused === 'held') await this.#updateHeldByOthers()
      return undefined
    }
    const slice = new RemoteSlice(first, this.#projectRoot, held.left, {
      take: (uses) => this.#take(uses, first),
      releasePort: (port, leaked) => void this.#release(port, leaked),
      releaseSlice: () => this.#releaseSlice(slice),
    })
    this.#slices.set(first, slice)
    return slice
  }

  /** The same path on two machines is not the same project root. */
  get #projectRoot(): string {
    return `${this.#holder.host} ${this.#holder.projectRoot}`
  }

  #isHeldByOthers(first: SliceStart): boolean {
    const isRecent = monotonicNow() - this.#heldByOthersAt < HELD_SLICES_AGE_MS
    return isRecent && this.#heldByOthers.has(first)
  }

  async #updateHeldByOthers(): Promise<void> {
    if (monotonicNow() - this.#heldByOthersAt < HELD_SLICES_AGE_MS) return
    const slices = await this.#session.tryCall((session) => session.heldSlices())
    if (!slices) return
    this.#heldByOthers = new Set(slices)
    this.#heldByOthersAt = monotonicNow()
  }

  async #releaseSlice(slice: RemoteSlice): Promise<void> {
    this.#slices.delete(slice.first)
    if (!slice.isHeld) return
    slice.isHeld = false
    await this.#session.tryCall((session) => session.releaseSlice(slice.first))
  }

  async #take(uses: readonly PortUse[], first?: SliceStart): Promise<Refusal | undefined> {
    const refusal = await this.#session.call((session) => session.takePorts(uses, first))
    if (refusal) this.#noteRefusal(refusal)
    return refusal
  }

  /** If the session is lost, the next one releases the port when it resumes. */
  async #release(port: number, leaked: boolean): Promise<void> {
    await this.#session.tryCall((session) => session.releasePort(port, leaked))
  }

  #noteRefusal({ refused, leftMs = 0 }: Refusal): void {
    if (refused === 'recovering') this.#recovery = deadlineIn(leftMs)
  }

  async tryClaim(port: number, label?: string): Promise<Claim | Obstacle> {
    const slice = this.#slices.get(sliceOf(port))
    if (this.#claims.has(port) || slice?.isOut(port)) return { kind: 'own' }
    const isUsable = await this.#probe.isUsable(port)
    if (!isUsable) {
      const { host } = this.#remote
      const text = this.#probe.unanswered.has(port)
        ? `does not answer on ${host}, so it is unknown whether it is free`
        : `is in use on ${host}`
      return { kind: 'in-use', text }
    }
    if (this.#claims.has(port) || slice?.isOut(port)) return { kind: 'own' }
    const use = { port, ...(label !== undefined && { label }) }
    this.#claims.set(port, use)
    const refusal = await this.#take([use]).catch((error) => {
      this.#claims.delete(port)
      throw error
    })
    if (refusal) {
      this.#claims.delete(port)
      return this.#obstacle(refusal)
    }
    return {
      port,
      release: async (leaked) => {
        this.#claims.delete(port)
        await this.#release(port, leaked)
      },
    }
  }

  #obstacle({ refused, leftMs = 0, holder }: Refusal): Obstacle {
    if (refused === 'quarantined') return { kind: 'quarantined', leftMs }
    if (refused !== 'held') return { kind: 'claimed', text: this.trouble ?? 'could not be claimed' }
    const { pid, runner, workerId, cwd } = holder ?? {}
    const who = holder
      ? `by pid ${pid}, ${runner} worker ${workerId} in ${JSON.stringify(cwd)} on ${holder.host}`
      : 'by another process'
    return { kind: 'claimed', text: `is held ${who}` }
  }

  onLost(): void {
    const ports = this.#portsOut()
    for (const slice of this.#slices.values()) slice.isHeld = false
    if (this.#slices.size === 0 && ports.length === 0) return
    warn(
      `${this.#session.trouble} No further port is handed out until it is restored.${
        ports.length > 0
          ? ` The ports ${ports.join(', ')} are at risk: 30 s after the server notices the loss, other processes may get them.`
          : ''
      }`,
    )
  }

  #portsOut(): number[] {
    return this.holdings().ports.map(({ port }) => port)
  }

  holdings(): Holdings {
    const slices = [...this.#slices.values()]
    return {
      slices: slices.map(({ first }) => first),
      ports: [...slices.flatMap(({ uses }) => uses), ...this.#claims.values()],
    }
  }

  onResumed(wanted: Holdings, held: Holdings): void {
    const kept = new Set(held.ports.map(({ port }) => port))
    for (const slice of this.#slices.values()) {
      slice.isHeld = held.slices.includes(slice.first)
    }
    // Release the ports that this process released while the session resumed.
    const out = new Set(this.#portsOut())
    for (const port of kept) if (!out.has(port)) void this.#release(port, false)
    if (wanted.ports.length === 0) return
    const lost = wanted.ports.map(({ port }) => port).filter((port) => !kept.has(port))
    warn(
      lost.length === 0
        ? `The connection to the coordinator ${this.#session.name} is restored: all ports of this process are still its own.`
        : `The connection to the coordinator ${this.#session.name} is restored, but other processes have got the ports ${lost.join(', ')} meanwhile. Stop the apps of this process on these ports.`,
    )
  }

  async listSlices(): Promise<SliceStatus[]> {
    return sliceStatuses(await this.#session.current().list(), this.isListening, Date.now())
  }

  async listClaims(): Promise<ClaimStatus[]> {
    return claimStatuses(await this.#session.current().list(), this.isListening)
  }

  async history(port: number): Promise<PortEvent[]> {
    return this.#session.current().history(port)
  }
}

function warn(message: string): void {
  process.emitWarning(sanitize(message), {
    type: 'PortsliceWarning',
    code: 'PORTSLICE_COORDINATOR',
  })
}
