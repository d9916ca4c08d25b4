/** Processes of other users, where this one may start any. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Users that nobody is: their processes may read what all may read, and no more. */
export const OTHER_USERS = [65_534, 12_345] as const

export function chownTo(uid: number, ...paths: string[]): void {
  for (const each of paths) chownSync(each, uid, uid)
}

/** Lets other users pass through a folder of ours, to folders of theirs. */
export function letPass(folder: string): void {
  chmodSync(folder, 0o711)
}

/** Why no process can be started as another user here, as a clause; `undefined` when one can. */
export function whyNoOtherUsers(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may start processes of other users'
  const script = fileURLToPath(import.meta.url)
  const [uid] = OTHER_USERS
  const read = `require('node:fs').readFileSync(${JSON.stringify(script)})`
  const { status, error } = spawnSync(process.execPath, ['-e', read], { uid, gid: uid, cwd: '/' })
  return status === 0 && !error
    ? undefined
    : 'other users may not read the folder that this suite lies in'
}
