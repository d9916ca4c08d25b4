import { spawn } from 'node:child_process'
import { system } from '@portslice/core/internal/inspect'

/** @param onFailure called if no program can open URLs, or if it fails */
export function openBrowser(url: string, onFailure: () => void): void {
  const [program, ...args] = system.browserOpener
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  child.once('error', onFailure)
  child.once('exit', (status) => {
    if (status !== 0) onFailure()
  })
  child.unref()
}
