import { readFileSync } from 'node:fs'
import os from 'node:os'

/** Maps the uids of this user namespace to those outside (user_namespaces(7)). */
const UID_MAP = '/proc/self/uid_map'

/**
 * The user as part of the name of the default lock directory: the uid, or the name on Windows.
 *
 * In a user namespace every user can be root. The uid outside of it differs between users that
 * share a temporary directory, and is the same for all processes of one user.
 */
export function userIdentity(): string {
  const uid = process.getuid?.()
  if (uid === undefined) return os.userInfo().username.replaceAll(/[^\w.-]/g, '_')
  return String(outerUid(uid, readUidMap()))
}

function readUidMap(): string {
  try {
    return readFileSync(UID_MAP, 'utf8')
  } catch {
    return '' // Not Linux, or not readable.
  }
}

/**
 * The uid in the surrounding user namespace; the same uid if that is not known.
 *
 * @param map lines of three numbers: first uid inside, first uid outside, count
 */
export function outerUid(uid: number, map: string): number {
  for (const line of map.split('\n')) {
    const [inner, outer, count] = line.trim().split(/\s+/).map(Number)
    if (inner === undefined || outer === undefined || count === undefined) continue
    if (uid >= inner && uid < inner + count) return outer + uid - inner
  }
  return uid
}
