/** What `proper-lockfile` does with the files of a lock. */
export interface LockFiles {
  /** Puts the lock at its path. @throws EEXIST if another holder has it */
  install(): Promise<void>
  /** When it was last refreshed. @throws ENOENT if it was removed or replaced */
  refreshedAt(): Date
  /** Sets the time of the lock. @throws ENOENT as above */
  refresh(now: Date): void
  /** Removes the lock, unless it was replaced. */
  remove(): void
}

/**
 * The `fs` option of `proper-lockfile`. Synchronous where possible: starting the thread pool of Node
 * takes a new process longer than all of this.
 */
export function lockfileFs(lock: LockFiles) {
  return {
    mkdir(_: string, callback: Callback) {
      lock.install().then(() => callback(null), callback)
    },
    stat(_: string, callback: Callback<{ mtime: Date }>) {
      call(callback, () => ({ mtime: lock.refreshedAt() }))
    },
    utimes(_: string, _atime: Date, mtime: Date, callback: Callback) {
      call(callback, () => lock.refresh(mtime))
    },
    rmdir(_: string, callback: Callback) {
      call(callback, () => lock.remove())
    },
  }
}

type Callback<T = void> = (error: unknown, result?: T) => void

function call<T>(callback: Callback<T>, act: () => T): void {
  let result: T
  try {
    result = act()
  } catch (error) {
    callback(error)
    return
  }
  callback(null, result)
}
