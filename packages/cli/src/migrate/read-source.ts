import { readFileSync } from 'node:fs'

/** The text of a file; `undefined` if it is not UTF-8, because it could not be written back unchanged. */
export function readSource(file: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file))
  } catch {
    return undefined
  }
}
