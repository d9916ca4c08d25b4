import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ownSlices } from '../../support/own-slices.ts'
import { PrivateDisk } from '../../support/private-disk.ts'
import type { ProcessOptions } from '../../support/process.ts'
import type { Fault } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import type { Attempt, Plan } from '../processes/try-to-start.ts'
import { chownTo, letOthersEnter, OTHER_USERS, whyNoOtherUsers } from '../unprivileged-users.ts'

const CODE = 'ERR_PORTSLICE_LOCK_DIRECTORY'

/** Unfit lock directories, by a description. */
type Unfit = Record<string, string>

/** Those that need no other user. */
function unfitOnes(folder: string): Unfit {
  const at = (name: string) => path.join(folder, name)
  mkdirSync(at('real'), { mode: 0o700 })
  symlinkSync(at('real'), at('link'))
  symlinkSync(at('nowhere'), at('dangling'))
  symlinkSync(at('circle'), at('circle'))
  for (const [name, mode] of [
    ['world', 0o777],
    ['sticky', 0o1777],
    ['group', 0o770],
  ] as const) {
    mkdirSync(at(name))
    chmodSync(at(name), mode)
  }
  writeFileSync(at('file'), 'not a directory')
  return {
    'a symbolic link': at('link'),
    'a dangling link': at('dangling'),
    'a link to itself': at('circle'),
    'world-writable': at('world'),
    'world-writable and sticky': at('sticky'),
    'group-writable': at('group'),
    'a file': at('file'),
    'below a file': path.join(at('file'), 'locks'),
    'named too long': at('n'.repeat(300)),
  }
}

/** For a process of the user `uid`. */
function foreignOnes(folder: string, uid: number, another: number): Unfit {
  const at = (name: string) => path.join(folder, name)
  const own = (name: string, mode: number, owner: number) => {
    mkdirSync(at(name))
    chownTo(owner, at(name))
    chmodSync(at(name), mode)
    return at(name)
  }
  return {
    "another user's": own('foreign', 0o755, another),
    "another user's and private": own('private', 0o700, another),
    "root's": own('of-root', 0o755, 0),
    'in a directory of another user': path.join(own('parent', 0o755, another), 'locks'),
    'in a directory that may not be entered': path.join(own('shut', 0o700, another), 'locks'),
    'unreadable though their own': own('unreadable', 0o000, uid),
    'read-only though their own': own('read-only', 0o500, uid),
  }
}

/** All files and directories below a directory. */
const contents = (folder: string) => readdirSync(folder, { recursive: true }).map(String).sort()

export const lockDirectoryAtStart: Fault = {
  fault:
    "the lock directory is a link, another user's, writable by others, a file, or on a read-only disk, at the start",
  provoked: 'an allocator is asked for with each of them',
  must: `${CODE} that says what to do, and nothing written through it`,
  async run({ folder }) {
    await using slices = await ownSlices(1)
    await using group = new FaultProcesses(folder)
    letOthersEnter(folder)
    const broken: string[] = []
    const skipped = new Set<string>()
    let refused = 0
    const attempt = async (unfit: Unfit, start: ProcessOptions, seen = folder) => {
      const plan: Plan = { range: slices.range, lockDirectories: Object.values(unfit) }
      const member = group.start('try-to-start', plan, start)
      const before = contents(seen)
      const attempts = await member.hear<Attempt[]>()
      await member.untilEnded()
      for (const file of contents(seen)) {
        if (!before.includes(file)) broken.push(`This was written: ${file}.`)
      }
      for (const [index, name] of Object.keys(unfit).entries()) {
        const { code, message, advice } = attempts[index] as Attempt
        if (code === CODE && advice.includes('$PORTSLICE_LOCK_DIR')) refused++
        else broken.push(`One that is ${name}: ${code}, ${message}`)
      }
    }

    const mine = path.join(folder, 'mine')
    mkdirSync(mine)
    await attempt(unfitOnes(mine), {})

    const whyAlone = whyNoOtherUsers()
    if (whyAlone) skipped.add(whyAlone)
    else {
      const [uid, another] = OTHER_USERS
      const theirs = path.join(folder, 'theirs')
      mkdirSync(theirs)
      letOthersEnter(theirs)
      await attempt(foreignOnes(theirs, uid, another), { uid })
      mkdirSync(path.join(folder, 'of-another'))
      chownTo(another, path.join(folder, 'of-another'))
      await attempt({ "another user's, for root": path.join(folder, 'of-another') }, {})
    }

    const options = 'size=1m,mode=0700'
    const disk = await PrivateDisk.mount(path.join(folder, 'disk'), options)
    if (typeof disk === 'string') skipped.add(disk)
    else {
      await using _ = disk
      mkdirSync(disk.file('locks'), { mode: 0o700 })
      await disk.makeReadOnly()
      const unfit = {
        'on a read-only disk': path.join(disk.folder, 'locks'),
        'to be made on a read-only disk': path.join(disk.folder, 'missing'),
      }
      await attempt(unfit, { by: disk.by }, disk.file())
    }
    return {
      times: refused + broken.length,
      observed: `${refused} unusable directories refused with advice${[...skipped].map((why) => `; some not tried, ${why}`).join('')}`,
      broken: [...broken, ...group.complaints],
    }
  },
}
