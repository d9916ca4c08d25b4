import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'

const SHARED_MEMORY = '/dev/shm'

let library: string | undefined
/** Why `faketime` does not work here; `undefined` if it works. */
export let faketimeError: string | undefined
try {
  removeLeftovers()
  const print = ['-f', '+0', 'printenv', 'LD_PRELOAD']
  library = execFileSync('faketime', print, { encoding: 'utf8', stdio: 'pipe' }).trim()
} catch (error) {
  faketimeError = `\`faketime\` does not work here (${(error as Error).message})`
}

/**
 * The environment of a process with a wrong clock.
 *
 * @param settings variables of libfaketime, such as `FAKETIME`
 */
export function withFaketime(settings: Record<string, string>): Record<string, string> {
  if (library === undefined) throw new Error(faketimeError)
  removeLeftovers()
  return { LD_PRELOAD: library, ...settings }
}

/** A killed process leaves its semaphore behind, which blocks a later process with the same pid. */
function removeLeftovers(): void {
  for (const name of readdirSync(SHARED_MEMORY)) {
    const [, pid] = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(name) ?? []
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      rmSync(`${SHARED_MEMORY}/${name}`, { force: true })
    }
  }
}
