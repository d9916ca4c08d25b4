import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** User ids without privileges. */
export const OTHER_USERS = [65_534, 12_345] as const

export function chownTo(uid: number, ...paths: string[]): void {
  for (const each of paths) chownSync(each, uid, uid)
}

/** Lets other users reach directories inside this one, without listing it. */
export function letOthersEnter(folder: string): void {
  chmodSync(folder, 0o711)
}

/** Why no process can run as another user here, as a clause; `undefined` if one can. */
export function whyNoOtherUsers(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may start processes of other users'
  const script = fileURLToPath(import.meta.url)
  const [uid] = OTHER_USERS
  const read = `require('node:fs').readFileSync(${JSON.stringify(script)})`
  const { status, error } = spawnSync(process.execPath, ['-e', read], { uid, gid: uid, cwd: '/' })
  return status === 0 && !error ? undefined : 'other users may not read the directory of this suite'
}
