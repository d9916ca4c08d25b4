import path from 'node:path'
import { WATCHDOG_VARIABLE } from './watchdog-protocol.js'

export interface WatchdogCommand {
  file: string
  args: string[]
  /** The root directory, because the current directory of a process cannot be removed or unmounted. */
  cwd: string
  env: NodeJS.ProcessEnv
}

/** Reads the source of the watchdog from stdin as a line of JSON: a bundle of the user has no file for it. */
const BOOTSTRAP = `
let text = ''
const { stdin } = process
stdin.setEncoding('utf8').on('data', function readSource(chunk) {
  text += chunk
  const end = text.indexOf('\\n')
  if (end < 0) return
  stdin.off('data', readSource).pause()
  const rest = text.slice(end + 1)
  if (rest !== '') stdin.unshift(rest)
  ;(0, eval)(JSON.parse(text.slice(0, end)))
})`

/** Makes compiled programs of Bun, Electron and pkg behave like their runtime. */
const RUNTIME_VARIABLES = {
  BUN_BE_BUN: '1',
  ELECTRON_RUN_AS_NODE: '1',
  PKG_EXECPATH: 'PKG_INVOKE_NODEJS',
}

export function watchdogCommand(): WatchdogCommand {
  return {
    file: runtime(),
    args: ['-e', BOOTSTRAP, 'portslice-watchdog'],
    cwd: path.parse(process.execPath).root,
    env: {
      ...inheritedEnvironment(),
      ...RUNTIME_VARIABLES,
      [WATCHDOG_VARIABLE]: String(process.pid),
    },
  }
}

/** A single executable does not run scripts, so it needs `node` on the PATH. */
function runtime(): string {
  return isSingleExecutable() ? 'node' : process.execPath
}

export function isSingleExecutable(): boolean {
  const sea = process.getBuiltinModule('node:sea') as typeof import('node:sea') | undefined
  const { Deno } = globalThis as { Deno?: { build?: { standalone?: boolean } } }
  return sea?.isSea?.() === true || Deno?.build?.standalone === true
}

/** Excludes variables with which test runners preload modules into their workers. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, BUN_OPTIONS: ___, ...env } = process.env
  return env
}
