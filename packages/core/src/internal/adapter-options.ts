import { type AllocatorOptions, checkAllocatorOptions, oneOf } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
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

const CHECKS = { onLeak: oneOf('warn', 'fail', 'ignore') }

/** Options that make sense, apart from each other. */
export interface CheckedOptions {
  /** What an allocator takes of them. */
  allocator: AllocatorOptions
  /** What to do about leaked ports. */
  onLeak: OnLeak
  /** How many slices the range, or a strict shard's part of it, has. */
  slices: number
}

/**
 * Checks the options, the environment variables that go with them and the lock directory,
 * without leasing anything; sets apart what the allocator takes.
 *
 * @param options what the user of the runner gave
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID,
 *   …_LOCK_DIRECTORY
 */
export function checkAdapterOptions(options: AdapterOptions = {}): CheckedOptions {
  checkAllocatorOptions(options, CHECKS)
  const { onLeak = 'warn', ...own } = options as AdapterOptions
  const { lockDirectory, slices } = resolveOptions(own)
  if (lockDirectory !== undefined) ensureLockDirectory(lockDirectory)
  // Another process may work in another directory, so a relative path is not passed on.
  const allocator = own.lockDirectory ? { ...own, lockDirectory } : own
  return { allocator: allocator as AllocatorOptions, onLeak, slices: slices.length }
}
