/** How much JavaScript processes parse. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const COUNTER = new URL('count-parsed.js', import.meta.url).href

export interface ParsedScript {
  /** A `file:` URL or a path. */
  readonly url: string
  /** Characters. */
  readonly length: number
}

/**
 * The scripts that each process of a run has parsed.
 *
 * @param run starts the processes with these variables, and waits for their end
 */
export async function parsedScripts(
  run: (env: Record<string, string>) => Promise<unknown>,
): Promise<ParsedScript[][]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-parsed-'))
  try {
    const file = path.join(folder, 'parsed.ndjson')
    await run({ NODE_OPTIONS: `--import=${COUNTER}`, PARSED_CODE: file })
    const processes = new Map<number, ParsedScript[]>()
    for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
      const { pid, ...script } = JSON.parse(line) as ParsedScript & { pid: number }
      processes.set(pid, [...(processes.get(pid) ?? []), script])
    }
    return [...processes.values()]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The characters of scripts whose URL matches. */
export function parsedLength(scripts: readonly ParsedScript[], url: RegExp): number {
  return scripts.reduce((total, script) => total + (url.test(script.url) ? script.length : 0), 0)
}
