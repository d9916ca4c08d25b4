import { type AllocatorOptions, checkAllocatorOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { oneOf } from '../options/validate.js'
import { ensureLockDirectory } from '../slice/lock-directory.js'

/** What to do about a port on which something still listens when its test has ended. */
export type OnLeak = 'warn' | 'fail' | 'ignore'

export interface AdapterOptions extends AllocatorOptions {
  /**
   * What to do about a port on which something still listens when its test has ended: warn
   * (the default), fail the test, or nothing. The port is not handed out again until it is closed.
   */
  onLeak?: OnLeak
}

const ADAPTER_VALIDATORS = { onLeak: oneOf('warn', 'fail', 'ignore') }

export interface CheckedOptions {
  allocator: AllocatorOptions
  onLeak: OnLeak
  /** The number of slices in the range, or in the part of a strict shard. */
  slices: number
}

/** Checks options, environment variables and the lock directory, without leasing. @throws PortsliceError */
export function checkAdapterOptions(options: AdapterOptions = {}): CheckedOptions {
  checkAllocatorOptions(options, ADAPTER_VALIDATORS)
  const { onLeak = 'warn', ...own } = options as AdapterOptions
  const { lockDirectory, slices } = resolveOptions(own)
  if (lockDirectory !== undefined) ensureLockDirectory(lockDirectory)
  // Pass on an absolute path, because other processes may have another working directory.
  const allocator = own.lockDirectory ? { ...own, lockDirectory } : own
  return { allocator: allocator as AllocatorOptions, onLeak, slices: [...slices].length }
}
