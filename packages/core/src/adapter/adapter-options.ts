import { PortsliceError, quoted } from '../errors.js'
import type { AllocatorOptions } from '../settings/options.js'
import { settle } from '../settings/settings.js'
import { ensureLockDirectory } from '../slice/lock-directory.js'

/** What to do about a port on which something still listens when its test has ended. */
export type OnLeak = 'warn' | 'fail' | 'ignore'

/** The options of a test runner's fixtures. */
export interface AdapterOptions extends AllocatorOptions {
  /**
   * What to do about a port on which something still listens when its test has ended: tell
   * the user (`'warn'`, the default), fail the test, or nothing. It is never handed out again
   * before that has closed.
   */
  onLeak?: OnLeak
}

const CHOICES: readonly unknown[] = ['warn', 'fail', 'ignore', undefined]

/**
 * Checks the options, the environment variables that go with them and the lock directory,
 * without leasing anything; sets apart what the allocator takes.
 *
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID,
 *   …_LOCK_DIRECTORY
 */
export function checkAdapterOptions(options: AdapterOptions = {}): {
  allocator: AllocatorOptions
  onLeak: OnLeak
  /** How many slices the range, or the shard's part of it, has. */
  slices: number
} {
  const { onLeak = 'warn', ...allocator } = options ?? {}
  if (!CHOICES.includes(onLeak)) {
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `The option \`onLeak\` is ${quoted(onLeak)}.`,
      { value: onLeak, advice: "Give one of 'warn', 'fail', 'ignore'." },
    )
  }
  const { lockDirectory, slices } = settle(allocator)
  ensureLockDirectory(lockDirectory)
  return { allocator, onLeak, slices: slices.length }
}
