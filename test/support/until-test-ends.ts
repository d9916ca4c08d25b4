/** Resources that are freed when the running test ends. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

export async function listenOn(port: number): Promise<net.Server> {
  const server = net.createServer().listen(port)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}
