/** The TypeScript and JavaScript of README.md, of docs/ and of the READMEs of the packages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Snippet {
  /** The page that it is on, as a path in the repository. */
  page: string
  /** The file that its first line names. */
  file: string
  text: string
  /** Type declarations for imports that the page does not show, from its HTML comments, by file. */
  declarations: Record<string, string>
}

/** Comments (`<!-- server.d.ts … -->`) and a block of code whose first line names its file. */
const BLOCK =
  /((?:^<!-- \S+\.d\.m?ts\n(?:(?!-->)[\s\S])*?^-->\n)*)\n?^```[jt]s\n(?:\/\/ (\S+)\n)?([\s\S]*?)^```$/gm
const DECLARATIONS = /^<!-- (\S+)\n([\s\S]*?)^-->$/gm

/** @throws Error for code that names no file */
export function snippetsOf(page: string): Snippet[] {
  const whole = readFileSync(path.join(ROOT, page), 'utf8').replaceAll('\r\n', '\n')
  return [...whole.matchAll(BLOCK)].map(([, comments = '', file, text = '']) => {
    if (file === undefined) throw new Error(`Code on ${page} names no file: ${text}`)
    const declarations = Object.fromEntries(
      [...comments.matchAll(DECLARATIONS)].map(([, name, declared]) => [name, declared]),
    ) as Record<string, string>
    return { page, file, text: `// ${file}\n${text}`, declarations }
  })
}

function filesIn(directory: string): string[] {
  return readdirSync(path.join(ROOT, directory)).map((name) => `${directory}/${name}`)
}

export function allSnippets(): Snippet[] {
  const pages = [
    'README.md',
    ...filesIn('docs').filter((name) => name.endsWith('.md')),
    ...filesIn('packages').map((name) => `${name}/README.md`),
  ].filter((page) => existsSync(path.join(ROOT, page)))
  return pages.toSorted().flatMap(snippetsOf)
}

/** @throws Error when the page has no such snippet */
export function snippet(page: string, file: string): string {
  const found = snippetsOf(page).find((each) => each.file === file)
  if (!found) throw new Error(`${page} has no code for ${file}.`)
  return found.text
}
