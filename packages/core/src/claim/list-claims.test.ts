import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { claimPort } from '../api/claim-port.js'
import { listClaims } from '../api/list.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { hostIdentity } from '../platform/host.js'
import { hostCode } from '../slice/lock-token.js'

test('lists the claimer of a port, and whether the app listens, until it is released', async () => {
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  vi.stubEnv('PORTSLICE_LOCK_DIR', lockDirectory)
  onTestFinished(() => void vi.unstubAllEnvs())
  const [port] = await ownRange()
  const claim = await claimPort(port)
  const status = { port, pid: process.pid, cwd: process.cwd(), listening: false }
  expect(await listClaims()).toMatchObject([status])
  const server = net.createServer().listen(port)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  expect(await listClaims({ lockDirectory })).toMatchObject([{ ...status, listening: true }])
  await claim.release()
  expect(await listClaims()).toEqual([])
})

test('a note whose writer has died, or lives elsewhere, is not a claim', async () => {
  const lockDirectory = temporaryFolder()
  const [port] = await ownRange()
  for (const host of [hostIdentity(), 'elsewhere']) {
    const note = { v: 1, pid: process.pid, host, cwd: '/', command: 'x', at: '2026-01-01' }
    mkdirSync(path.join(lockDirectory, 'claims'), { recursive: true })
    writeFileSync(
      path.join(lockDirectory, 'claims', `${port}-${hostCode(host)}.json`),
      JSON.stringify(note),
    )
    expect(await listClaims({ lockDirectory })).toEqual([])
  }
  await expect(listClaims({ lockDir: '' } as object)).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
  })
})
