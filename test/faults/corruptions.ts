/** Changes to the files of a held slice, as users or cleaning scripts make them. */
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'

type Corruption = (files: { lock: string; journal: string; folder: string }) => void

const remove = (file: string) => rmSync(file, { recursive: true, force: true })

export const CORRUPTIONS: Readonly<Record<string, Corruption>> = {
  'garbage is appended to the journal': ({ journal }) =>
    appendFileSync(journal, '{"event":"take","port":\n\0\xff]]\n{"event":"release","port":1}\n'),
  'the journal is cut in half': ({ journal }) =>
    truncateSync(journal, Math.floor(readFileSync(journal).length / 2)),
  'the journal says that everything was released': ({ journal }) => {
    const ports = readFileSync(journal, 'utf8').match(/"port":\d+/g) ?? []
    for (const port of ports) appendFileSync(journal, `{"event":"release",${port}}\n`)
  },
  'the journal is deleted': ({ journal }) => remove(journal),
  'the journal becomes a directory': ({ journal }) => {
    remove(journal)
    mkdirSync(journal)
  },
  'the journal becomes that of another host': ({ journal }) => {
    const text = readFileSync(journal, 'utf8')
    remove(journal)
    writeFileSync(journal, text.replace(/"host":"[^"]*"/, '"host":"another/net:[1]"'))
  },
  'the journal becomes that of another slice': ({ journal, folder }) => {
    remove(journal)
    copyFileSync(path.join(folder, 'foreign.ndjson'), journal)
  },
  'the lock is removed': ({ lock }) => remove(lock),
  'the lock is made stale': ({ lock }) => utimesSync(lock, new Date(0), new Date(0)),
  'the lock becomes a file': ({ lock }) => {
    remove(lock)
    writeFileSync(lock, '')
  },
  'the lock becomes a symbolic link': ({ lock, folder }) => {
    remove(lock)
    symlinkSync(folder, lock)
  },
  'something is put into the lock': ({ lock }) => writeFileSync(path.join(lock, 'x'), ''),
}

/** @returns whether it was possible: the file may be missing at the moment */
export function corrupt(folder: string, slice: number, corruption: Corruption): boolean {
  const base = path.join(folder, `slice-${slice}`)
  try {
    corruption({ lock: `${base}.lock`, journal: `${base}.ndjson`, folder })
    return true
  } catch {
    return false
  }
}
