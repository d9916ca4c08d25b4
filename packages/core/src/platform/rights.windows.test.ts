import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { groupsThatMayWrite, parseWriters, removeGroupsOfOthers } from './rights.windows.js'

/** Below the profile of a user: SYSTEM, the administrators and the user. */
const OWN = 'D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;S-1-5-21-1-2-3-1001)'
/** At the root of a disk: all users may read, and all authenticated users may change. */
const ROOT =
  'D:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)'

test.each([
  ['below the profile of a user', OWN, []],
  ['at the root of a disk', ROOT, ['Authenticated Users']],
  ['in the temporary directory of Windows', 'D:(A;CI;DCLCWP;;;BU)', ['Users']],
  ['open to all, by its SID', 'D:P(A;OICI;FA;;;S-1-1-0)(A;;FR;;;BU)', ['Everyone']],
  ['denied to all', 'D:(D;OICI;FA;;;WD)(A;;FA;;;BA)', []],
  ['without any rights in it', 'Access is denied.', undefined],
])('who may write to a directory %s', (_, sddl, groups) => {
  expect(parseWriters(`locks\r\n${sddl}\r\n`)).toEqual(groups)
})

test('icacls saves the rights to a file in UTF-16', () => {
  const groups = groupsThatMayWrite('C:\\locks', (_, [directory, save, file]) => {
    expect([directory, save]).toEqual(['C:\\locks', '/save'])
    writeFileSync(file as string, `\ufefflocks\r\n${ROOT}\r\n`, 'utf16le')
    return ''
  })
  expect(groups).toEqual(['Authenticated Users'])
})

test('without icacls nothing is known', () => {
  expect(groupsThatMayWrite('C:\\locks', () => undefined)).toBeUndefined()
})

test('a new directory loses the rights that it has inherited for groups of others', () => {
  const asked: string[] = []
  removeGroupsOfOthers('C:\\my locks', (file, args) => {
    expect(file).toMatch(/\\System32\\icacls\.exe$/)
    asked.push(args.join(' '))
    return ''
  })
  expect(asked).toEqual([
    'C:\\my locks /inheritance:d /q',
    'C:\\my locks /remove:g *S-1-1-0 *S-1-5-11 *S-1-5-4 *S-1-5-32-545 *S-1-5-32-546 /q',
  ])
})
