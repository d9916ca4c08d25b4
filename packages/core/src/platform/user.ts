import { readFileSync } from 'node:fs'
import os from 'node:os'

const UID_MAP = '/proc/self/uid_map'

/** The uid outside of the user namespace, because inside several users of a temporary directory can be root. */
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

/** @param map lines of three numbers: first uid inside, first uid outside, count */
export function outerUid(uid: number, map: string): number {
  for (const line of map.split('\n')) {
    const [inner, outer, count] = line.trim().split(/\s+/).map(Number)
    if (inner === undefined || outer === undefined || count === undefined) continue
    if (uid >= inner && uid < inner + count) return outer + uid - inner
  }
  return uid
}
