/** How a watchdog is started: the runtime may be the user's own program, which runs no scripts. */
import path from 'node:path'
import { INSIDE_WATCHDOG } from './watchdog-protocol.js'

export interface WatchdogCommand {
  file: string
  args: string[]
  /** It is not in the way when a directory is removed or a disk is unmounted. */
  cwd: string
  env: NodeJS.ProcessEnv
}

/** Takes the watchdog's source, a line of JSON, from stdin; the messages follow. No file is needed. */
const BOOT = `
let text = ''
const { stdin } = process
stdin.setEncoding('utf8').on('data', function boot(chunk) {
  text += chunk
  const end = text.indexOf('\\n')
  if (end < 0) return
  stdin.off('data', boot).pause()
  const rest = text.slice(end + 1)
  if (rest !== '') stdin.unshift(rest)
  ;(0, eval)(JSON.parse(text.slice(0, end)))
})`

/** Compiled programs of these kinds are runtimes as well when they are told to be. */
const AS_RUNTIME = {
  BUN_BE_BUN: '1',
  ELECTRON_RUN_AS_NODE: '1',
  PKG_EXECPATH: 'PKG_INVOKE_NODEJS',
}

export function watchdogCommand(): WatchdogCommand {
  return {
    file: runtime(),
    args: ['-e', BOOT, 'portslice-watchdog'],
    cwd: path.parse(process.execPath).root,
    env: { ...inherited(), ...AS_RUNTIME, [INSIDE_WATCHDOG]: String(process.pid) },
  }
}

/** A file that runs scripts; `node` of the PATH where the program itself was made one executable. */
function runtime(): string {
  return isSingleExecutable() ? 'node' : process.execPath
}

export function isSingleExecutable(): boolean {
  const sea = process.getBuiltinModule('node:sea') as typeof import('node:sea') | undefined
  const { Deno } = globalThis as { Deno?: { build?: { standalone?: boolean } } }
  return sea?.isSea?.() === true || Deno?.build?.standalone === true
}

/** What a runner preloads into its workers is not for the watchdog. */
function inherited(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, BUN_OPTIONS: ___, ...env } = process.env
  return env
}
