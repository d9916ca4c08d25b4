/** Uses up a resource of which a system has little, and finds out whether it is used up. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'

let files: number[] = []

/** Opens files until no more may be opened, and closes `but` of them again. */
export function useUpDescriptors(but: number): void {
  try {
    for (;;) files.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  }
  for (const file of files.splice(0, but)) closeSync(file)
}

export function freeDescriptors(): void {
  for (const file of files) closeSync(file)
  files = []
}

/** @returns the code of the error, or '' if the process could be started */
export async function tryToStartProcess(): Promise<string> {
  try {
    await once(spawn('/bin/true', { stdio: 'ignore' }), 'spawn')
    return ''
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
