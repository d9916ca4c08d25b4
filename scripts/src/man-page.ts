import { readCommandHelp } from './command-help.ts'

/** Section 1 is for programs. */
const SECTION = 1

/** Creates the manual page from the help of the command. @param directory the built package of the command */
export function createManPage(directory: string): string {
  const { all, commands } = readCommandHelp(directory)
  const [title = '', ...rest] = all.split('\n')
  return [
    '.\\" Written by `pnpm run api` from the help of the command. Do not edit it.',
    `.TH PORTSLICE ${SECTION}`,
    '.SH NAME',
    escape(title.replace(': ', ' - ')).replace(' - ', ' \\- '),
    '.SH SYNOPSIS',
    '.B portslice',
    'COMMAND [OPTION]... [ARGUMENT]...',
    '.SH DESCRIPTION',
    ...bodyOf(rest),
    ...commands.flatMap(({ name, help }) => {
      const [summary = '', ...lines] = help.split('\n')
      return [
        `.SH PORTSLICE ${name.toUpperCase()}`,
        escape(summary.replace(/^.*?: /, '')),
        ...bodyOf(lines),
      ]
    }),
    '.SH SEE ALSO',
    escape('https://github.com/portslice/portslice#readme'),
    '',
  ].join('\n')
}

/** Indented lines keep their columns; others are paragraphs. */
function bodyOf(lines: readonly string[]): string[] {
  return lines
    .join('\n')
    .split('\n\n')
    .flatMap((block) => {
      const rows = block.split('\n').filter(Boolean)
      const indented = rows.findIndex((row) => row.startsWith(' '))
      const text = indented === -1 ? rows : rows.slice(0, indented)
      const columns = indented === -1 ? [] : rows.slice(indented)
      return [
        ...(text.length > 0 ? ['.PP', ...text.map(escape)] : []),
        ...(columns.length > 0 ? ['.PP', '.nf', ...columns.map(escape), '.fi'] : []),
      ]
    })
}

/** Escapes a line for roff: control characters at the beginning, hyphens, and characters outside of ASCII. */
function escape(line: string): string {
  const text = line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/[^ -~]/gu, (each) => {
      return `\\[u${each.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`
    })
  return /^[.']/.test(text) ? `\\&${text}` : text
}
