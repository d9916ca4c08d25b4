import { readFileSync } from 'node:fs'
import os from 'node:os'

/** Where Linux tells which uids of this user namespace are which outside. */
const UID_MAP = '/proc/self/uid_map'

/**
 * The user in the default lock directory's name: the uid, where there are uids.
 *
 * In a user namespace every user can be root. The uid outside tells such users apart where they
 * share a directory for temporary files, and is the same for all processes of one real user.
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
    return '' // Not Linux, or /proc cannot be read: users are then told apart by who owns what.
  }
}

/**
 * A uid of this user namespace as it is called in the namespace around it; the uid itself if
 * that is not known.
 *
 * @param uid in this namespace
 * @param map lines of three numbers: first uid here, first uid outside, how many
 */
export function outerUid(uid: number, map: string): number {
  for (const line of map.split('\n')) {
    const [inner, outer, count] = line.trim().split(/\s+/).map(Number)
    if (inner === undefined || outer === undefined || count === undefined) continue
    if (uid >= inner && uid < inner + count) return outer + uid - inner
  }
  return uid
}
