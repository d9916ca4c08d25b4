import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { listen } from '@portslice/core'
import type { PackedPackage } from './installed.ts'

/** The registry that npm uses on this machine, without a slash at its end. */
const REGISTRY = execFileSync('npm', ['config', 'get', 'registry'], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
  cwd: os.tmpdir(),
})
  .trim()
  .replace(/\/$/, '')

/** An npm registry that serves the packed packages of this repository, and refers to npm's registry for all others. */
export class Registry implements AsyncDisposable {
  readonly url: string
  readonly #server: http.Server

  private constructor(server: http.Server, port: number) {
    this.#server = server
    this.url = `http://localhost:${port}`
  }

  static async start(packed: readonly PackedPackage[]): Promise<Registry> {
    const server = http.createServer((request, response) => {
      const name = decodeURIComponent((request.url ?? '').slice(1))
      const ours = packed.find((each) => each.name === name)
      const tarball = packed.find((each) => path.basename(each.file) === path.basename(name))
      if (ours) response.end(JSON.stringify(packument(ours, `http://${request.headers.host}`)))
      else if (tarball) response.end(readFileSync(tarball.file))
      else response.writeHead(302, { location: REGISTRY + request.url }).end()
    })
    const { port } = await listen(server, { host: 'localhost', label: 'npm registry' })
    return new Registry(server, port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

/** A registry's answer for a package: one version, the newest. */
function packument({ name, file }: PackedPackage, registry: string): object {
  const manifest = JSON.parse(
    execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' }),
  ) as { version: string }
  const integrity = createHash('sha512').update(readFileSync(file)).digest('base64')
  const dist = {
    tarball: `${registry}/tarballs/${path.basename(file)}`,
    integrity: `sha512-${integrity}`,
  }
  return {
    name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist } },
  }
}
