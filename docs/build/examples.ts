/** Writes a page for each folder of examples/: its README, and its files. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const PAGES = fileURLToPath(new URL('../examples', import.meta.url))

/** The language of a file, by the end of its name. Files with other ends, such as lock files, are left out. */
const LANGUAGES = new Map([
  ['.js', 'js'],
  ['.cjs', 'js'],
  ['.ts', 'ts'],
  ['.json', 'json'],
  ['.html', 'html'],
])

/** The names of the folders. */
export function examples(): string[] {
  return readdirSync(EXAMPLES)
    .filter((name) => existsSync(path.join(EXAMPLES, name, 'README.md')))
    .sort()
}

export function writePages(): void {
  rmSync(PAGES, { recursive: true, force: true })
  mkdirSync(PAGES, { recursive: true })
  for (const name of examples()) writeFileSync(path.join(PAGES, `${name}.md`), pageOf(name))
}

function pageOf(name: string): string {
  const folder = path.join(EXAMPLES, name)
  const read = (file: string) => readFileSync(path.join(folder, file), 'utf8').trim()
  const files = sourcesIn(folder).map((file) =>
    [
      '',
      `## \`${file}\``,
      '',
      `\`\`\`${LANGUAGES.get(path.extname(file))}`,
      read(file),
      '```',
    ].join('\n'),
  )
  return `${[read('README.md'), ...files].join('\n')}\n`
}

/** The files of the example, without those that running it has left behind. */
function sourcesIn(folder: string): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return listed
    .split('\n')
    .filter((file) => LANGUAGES.has(path.extname(file)))
    .sort()
}
