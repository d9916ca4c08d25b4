import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'

/** Escape sequences and control characters, in 7 and in 8 bits. */
export const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\u009b31m\r\u007f\b'

interface Slice {
  /** Of the journal. */
  path: string
  first: number
}

const line = (entry: object) => `${JSON.stringify(entry)}\n`

export function lease(text: string): string {
  const texts = { host: text, runner: text, cwd: text, command: text, shard: text, at: text }
  return line({ v: 1, event: 'lease', pid: 1, workerId: 1, ...texts })
}

const take = (port: number, more: object = {}) =>
  line({ event: 'take', port, label: 'api', at: new Date().toISOString(), ...more })

function write(path: string, contents: string | Buffer): void {
  writeFileSync(path, contents, { mode: 0o600 })
}

/** So old that the quarantine of its ports has ended. */
function writeOld(path: string, contents: string | Buffer): void {
  write(path, contents)
  utimesSync(path, 1e9, 1e9)
}

function writeLines(path: string, bytes: number, of: string): void {
  const file = openSync(path, 'w', 0o600)
  const chunk = Buffer.from(of.repeat(Math.ceil(1e6 / of.length)))
  for (let written = 0; written < bytes; ) written += writeSync(file, chunk)
  closeSync(file)
  utimesSync(path, 1e9, 1e9)
}

/** `spares`: the first port of the slice must not be handed out. */
export const BAD_JOURNALS: Record<string, { make(slice: Slice): void; spares?: true }> = {
  torn: {
    make: ({ path, first }) =>
      write(path, lease('vitest') + take(first) + take(first + 1).slice(0, 40)),
    spares: true,
  },
  'torn in its middle': {
    make: ({ path, first }) =>
      write(path, `${lease('vitest').slice(0, 50)}\n{"event":"ta\n${take(first)}\n\n}{`),
    spares: true,
  },
  binary: { make: ({ path }) => write(path, randomBytes(300_000)) },
  'of 1 GB, sparse': {
    make: ({ path }) => {
      const file = openSync(path, 'w', 0o600)
      ftruncateSync(file, 2 ** 30)
      closeSync(file)
    },
  },
  'of 64 MB of lines': {
    make: ({ path, first }) => writeLines(path, 64e6, take(first, { key: 'k'.repeat(100) })),
  },
  'of 64 MB without a line end': { make: ({ path }) => writeLines(path, 64e6, '{"event":') },
  'deeply nested': {
    make: ({ path }) => writeOld(path, `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}\n`),
  },
  'nested in a port': {
    make: ({ path }) =>
      writeOld(path, `{"event":"take","port":${'['.repeat(4e5)}${']'.repeat(4e5)}}\n`),
  },
  'with names of prototypes': {
    make: ({ path, first }) =>
      writeOld(path, `{"__proto__":{"event":"take"},"constructor":1,"port":${first}}\n`),
  },
  'with impossible values': {
    make: ({ path, first }) =>
      writeOld(
        path,
        [-1, 0, 65_536, 1e300, null, '1', {}, first + 0.5]
          .map((port) => take(port as number))
          .join('') +
          take(first, { at: '+275760-09-13T00:00:00.000Z', until: 'never', label: 7, key: [] }) +
          line({ event: 'quarantine', port: first, until: '-271821-04-20T00:00:00.000Z' }),
      ),
  },
  'with terminal escapes': {
    make: ({ path, first }) =>
      writeOld(path, lease(ESCAPES) + take(first, { label: ESCAPES, key: ESCAPES })),
  },
  'a FIFO': { make: ({ path }) => void execFileSync('mkfifo', [path]) },
  'a directory': { make: ({ path }) => void mkdirSync(path) },
  'a link to an endless file': { make: ({ path }) => symlinkSync('/dev/zero', path) },
  'a draft that is a FIFO': { make: ({ path }) => void execFileSync('mkfifo', [`${path}.new`]) },
}
