import { spawn } from 'node:child_process'
import { system } from '@portslice/core/internal/inspect'

/** @returns whether a program was found that opens URLs */
export function openBrowser(url: string): Promise<boolean> {
  const [program, ...args] = system.browserOpener
  return new Promise((resolve) => {
    const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
    child.on('error', () => resolve(false))
    child.on('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
