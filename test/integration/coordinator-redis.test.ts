/** Redis servers that need more than a URL, or cannot be used. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { takePort } from '@portslice/core'
import { loadCoordinator } from '@portslice/core/coordinator'
import { describe, expect, onTestFinished, test } from 'vitest'
import { AllocatorProcess } from '../support/allocator-process.ts'
import { NO_HOLDER, RedisServer, whyNoRedis } from '../support/database-server.ts'
import { whyNot } from '../support/process.ts'

const TIMEOUT_MS = 120_000
const HOST = '127.0.0.9'
const why = whyNoRedis()

async function openOn(url: string, env: Record<string, string> = {}) {
  const holder = await AllocatorProcess.start({ env })
  onTestFinished(() => holder[Symbol.asyncDispose]())
  const range = [20_000, 20_063] as const
  const options = { host: HOST, coordinator: url, range, waitTimeout: 1000 }
  return { holder, answer: await holder.try({ do: 'open', options }) }
}

describe.skipIf(why !== undefined)(`Redis servers${why ? ` (${why})` : ''}`, () => {
  const noOpenSsl = whyNot('openssl', 'version')

  test.skipIf(noOpenSsl !== undefined)(
    'rediss:// with the certificate of an own authority, which Node must trust',
    { timeout: TIMEOUT_MS },
    async () => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-tls-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      const [key, certificate] = [path.join(folder, 'key'), path.join(folder, 'certificate')]
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-days',
          '2',
          '-subj',
          '/CN=127.0.0.1',
        ].concat(['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate]),
        { stdio: 'ignore' },
      )
      const tlsPort = await takePort()
      // The server runs as another user.
      chmodSync(folder, 0o755)
      chmodSync(key, 0o644)
      const settings = {
        'tls-port': `${tlsPort}`,
        'tls-cert-file': certificate,
        'tls-key-file': key,
        'tls-ca-cert-file': certificate,
        'tls-auth-clients': 'no',
      }
      await using server = await RedisServer.start({ settings })
      await server.markAsNew(HOST)
      const url = `rediss://127.0.0.1:${tlsPort}`
      const refused = await openOn(url)
      expect(refused.answer.error?.message).toContain('self-signed certificate')
      expect(refused.answer.error?.message).toContain('NODE_EXTRA_CA_CERTS')
      const { holder, answer } = await openOn(url, { NODE_EXTRA_CA_CERTS: certificate })
      expect(answer.error).toBeUndefined()
      expect(await holder.take(3)).toHaveLength(3)
    },
  )

  /** Two sessions of one owner, as after a lost connection. The first has sent something before. */
  async function openSession(server: RedisServer, owner = randomUUID()) {
    const { openSession } = await loadCoordinator(server.url)
    const lost: string[] = []
    const onLost = (reason: string) => void lost.push(reason)
    const holder = { ...NO_HOLDER, pid: 1, host: HOST }
    const session = await openSession({ url: server.url, host: HOST, owner, holder, onLost })
    onTestFinished(() => session.close())
    return { session, lost }
  }

  test('late commands of an earlier connection change nothing', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using server = await RedisServer.start()
    await server.markAsNew(HOST)
    const owner = randomUUID()
    const early = await openSession(server, owner)
    await early.session.holdSlice(20_000)
    const { session } = await openSession(server, owner)
    await session.resume({ slices: [20_000], ports: [] })
    expect(await session.takePorts([{ port: 20_001 }], 20_000)).toBeUndefined()
    // Sent before the connection was lost, and held up by the network.
    await early.session.releasePort(20_001, false).catch(() => {})
    expect(early.lost).toEqual(['the session has ended on the server'])
    const { ports, slices } = await session.list()
    expect(ports).toMatchObject([{ port: 20_001, state: 'out' }])
    expect(slices).toMatchObject([{ first: 20_000, isHeld: true }])
  })

  test('rows that are lost end all sessions', { timeout: TIMEOUT_MS }, async () => {
    await using server = await RedisServer.start()
    await server.markAsNew(HOST)
    const one = await openSession(server)
    await one.session.holdSlice(20_000)
    expect(await one.session.takePorts([{ port: 20_001 }], 20_000)).toBeUndefined()
    // As a server does that removes keys when its memory is full.
    await server.send(`DEL {portslice:${HOST}}`)
    const other = await openSession(server)
    expect(await other.session.holdSlice(20_000)).toMatchObject({ refused: 'recovering' })
    const refusal = await one.session.takePorts([{ port: 20_002 }], 20_000)
    expect(refusal).toMatchObject({ refused: 'lost' })
    expect(one.lost).toHaveLength(1)
  })

  test('a Sentinel is refused', { timeout: TIMEOUT_MS }, async () => {
    await using server = await RedisServer.startSentinel()
    const { answer } = await openOn(server.url)
    expect(answer.error?.code).toBe('ERR_PORTSLICE_COORDINATOR')
    expect(answer.error?.message).toContain('is a Sentinel, which has no data')
  })

  test('a node of a Cluster is refused', { timeout: TIMEOUT_MS }, async () => {
    await using server = await RedisServer.start({ settings: { 'cluster-enabled': 'yes' } })
    const { answer } = await openOn(server.url)
    expect(answer.error?.code).toBe('ERR_PORTSLICE_COORDINATOR')
    expect(answer.error?.message).toContain('is a node of a Redis Cluster')
  })

  test('a replica is refused', { timeout: TIMEOUT_MS }, async () => {
    await using primary = await RedisServer.start()
    const settings = { replicaof: `127.0.0.1 ${primary.port}` }
    await using server = await RedisServer.start({ settings })
    const { answer } = await openOn(server.url)
    expect(answer.error?.code).toBe('ERR_PORTSLICE_COORDINATOR')
    expect(answer.error?.message).toContain('is a replica')
  })
})
