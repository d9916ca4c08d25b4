/** Processes in namespaces of their own, as in containers. */
import { spawnSync } from 'node:child_process'
import { type Started, type StartOptions, startFile } from './command-run.ts'

/** Kills what is inside when `unshare` itself is killed. */
const TIED = ['--fork', '--kill-child']

/**
 * Why these namespaces cannot be made here; `undefined` if they can.
 *
 * @param flags of `unshare`, such as `--net`
 */
export function whyNoNamespaces(...flags: string[]): string | undefined {
  const { status, error, stderr } = spawnSync('unshare', [...flags, ...TIED, 'true'], {
    encoding: 'utf8',
  })
  return status === 0 ? undefined : error ? 'unshare is missing' : stderr.trim()
}

/**
 * Starts a program in namespaces of its own; it is killed at the end of the test.
 *
 * @param flags of `unshare`
 * @param setUp a shell script that runs there first
 * @param command the program with its arguments, which the script has as `$@`
 */
export function startInNamespaces(
  flags: readonly string[],
  setUp: string,
  command: readonly string[],
  options: StartOptions = {},
): Started {
  const script = `set -e; ${setUp}; exec "$@"`
  return startFile('unshare', [...flags, ...TIED, 'sh', '-c', script, 'sh', ...command], options)
}
