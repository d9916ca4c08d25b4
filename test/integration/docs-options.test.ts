/** docs/options.md lists the same options as the types. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const PAGE = read('docs/options.md')

/** The names in the first column of a section's table. */
function documented(section: string): string[] {
  const [, text = ''] = PAGE.split(`\n## ${section}\n`)
  const [table = ''] = text.split('\n## ')
  return [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name as string)
}

function membersOf(file: string, name: string): string[] {
  const [, body = ''] =
    new RegExp(`^export interface ${name} .*\\{\\n([\\s\\S]*?)^\\}$`, 'm').exec(read(file)) ?? []
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, member]) => member as string)
}

const OPTIONS = 'packages/core/src/options/options.ts'

test.each([
  ['Allocator', OPTIONS, 'AllocatorOptions'],
  ['Fixtures', 'packages/core/src/internal/adapter-options.ts', 'AdapterOptions'],
  ['Take', OPTIONS, 'TakeOptions'],
  ['App', 'packages/app-server/src/options.ts', 'AppOptions'],
])('the options of %s', (section, file, name) => {
  const members = membersOf(file, name)
  expect(members.length).toBeGreaterThan(0)
  expect(documented(section).toSorted()).toEqual(members.toSorted())
})

test('each option of the command is on a page', () => {
  const options = new Set(read('api/cli.help.md').match(/(?<=^ {2})--[a-z][a-z-]+/gm))
  expect(options.size).toBeGreaterThan(10)
  const page = ['command', 'migrate', 'ui'].map((name) => read(`docs/${name}.md`)).join('')
  expect([...options].filter((option) => !page.includes(option))).toEqual([])
})
