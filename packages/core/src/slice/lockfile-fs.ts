/** The file operations of one lock that `proper-lockfile` needs. */
export interface LockFiles {
  /** @throws EEXIST if another holder has the lock */
  install(): Promise<void>
  /** @throws ENOENT if the lock was removed or replaced; so does `refresh` */
  refreshedAt(): Date
  refresh(now: Date): void
  remove(): void
}

/** The `fs` of `proper-lockfile`. Calls them directly: Node's thread pool is slow to start. */
export function lockfileFs(lock: LockFiles) {
  return {
    mkdir: (_: string, callback: Callback) => call(callback, () => lock.install()),
    stat: (_: string, callback: Callback<{ mtime: Date }>) =>
      call(callback, () => ({ mtime: lock.refreshedAt() })),
    utimes: (_: string, _atime: Date, mtime: Date, callback: Callback) =>
      call(callback, () => lock.refresh(mtime)),
    rmdir: (_: string, callback: Callback) => call(callback, () => lock.remove()),
  }
}

type Callback<T = void> = (error: unknown, result?: T) => void

async function call<T>(callback: Callback<T>, act: () => T | Promise<T>): Promise<void> {
  let result: T
  try {
    result = await act()
  } catch (error) {
    callback(error)
    return
  }
  callback(null, result)
}
