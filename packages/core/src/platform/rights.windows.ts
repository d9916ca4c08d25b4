/**
 * Who may write to a directory of Windows, where `mkdir` ignores the mode. A directory inherits the rights of its
 * parent: below the user's profile only the user may write, at the root of a disk all users may. Groups are named
 * by their SIDs, because their names are localized.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type CommandOutput, commandOutput } from './command-output.js'
import { windowsTool } from './tool.windows.js'

/** Groups of other users, by their abbreviations in SDDL. */
const GROUPS_OF_OTHERS: Readonly<Record<string, { sid: string; name: string }>> = {
  WD: { sid: 'S-1-1-0', name: 'Everyone' },
  AU: { sid: 'S-1-5-11', name: 'Authenticated Users' },
  IU: { sid: 'S-1-5-4', name: 'Interactive' },
  BU: { sid: 'S-1-5-32-545', name: 'Users' },
  BG: { sid: 'S-1-5-32-546', name: 'Guests' },
}

/** Removes the rights of these groups from a new directory, and stops it from inheriting rights. */
export function removeGroupsOfOthers(
  directory: string,
  output: CommandOutput = commandOutput,
): void {
  const icacls = windowsTool('icacls.exe')
  output(icacls, [directory, '/inheritance:d', '/q'])
  const sids = Object.values(GROUPS_OF_OTHERS).map(({ sid }) => `*${sid}`)
  output(icacls, [directory, '/remove:g', ...sids, '/q'])
}

/** The groups that may write to a directory; `undefined` if unknown. */
export function groupsThatMayWrite(
  directory: string,
  output: CommandOutput = commandOutput,
): string[] | undefined {
  const own = mkdtempSync(path.join(os.tmpdir(), 'portslice-rights-'))
  try {
    const file = path.join(own, 'rights')
    output(windowsTool('icacls.exe'), [directory, '/save', file, '/q'])
    return parseWriters(readFileSync(file, 'utf16le'))
  } catch {
    return undefined
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

/** FILE_ADD_FILE, FILE_ADD_SUBDIRECTORY, FILE_DELETE_CHILD, WRITE_DAC, WRITE_OWNER, GENERIC_ALL, GENERIC_WRITE. */
const WRITE_MASK = 0x2 | 0x4 | 0x40 | 0x4_0000 | 0x8_0000 | 0x1000_0000 | 0x4000_0000
const WRITE_RIGHTS = ['FA', 'FW', 'GA', 'GW', 'WD', 'WO', 'DC', 'LC', 'DT']

/** @param sddl such as `D:AI(A;OICIID;0x1301bf;;;AU)`: type, flags, rights, two GUIDs, who */
export function parseWriters(sddl: string): string[] | undefined {
  if (!/D:[A-Z]*\(/.test(sddl)) return undefined
  const entries = sddl.matchAll(/\(A;[^;]*;([^;]*);[^;]*;[^;]*;([^;)]*)\)/g)
  const groups = [...entries].flatMap(([, rights = '', who = '']) => {
    const [, group] =
      Object.entries(GROUPS_OF_OTHERS).find(([short, { sid }]) => [short, sid].includes(who)) ?? []
    return group && allowsWriting(rights) ? [group.name] : []
  })
  return [...new Set(groups)]
}

function allowsWriting(rights: string): boolean {
  if (/^0x/i.test(rights)) return (Number(rights) & WRITE_MASK) !== 0
  return (rights.match(/../g) ?? []).some((right) => WRITE_RIGHTS.includes(right))
}
