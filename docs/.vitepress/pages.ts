/** The pages of the site, found as files, and their order. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DefaultTheme } from 'vitepress'

const DOCS = fileURLToPath(new URL('..', import.meta.url))

/** The groups of the menu, with the file names of their pages. Pages without a group come last, under `More`. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Start: ['getting-started', 'where', 'coming-from', 'migrate', 'comparison'],
  Use: [
    'options',
    'app-server',
    'recipes',
    'port-tables',
    'ways',
    'runners',
    'ci',
    'many-machines',
  ],
  Command: ['command', 'ui', 'json'],
  'When something is wrong': ['troubleshooting', 'events', 'unexpected-ports', 'environments'],
  Background: [
    'how-it-works',
    'guarantee',
    'faults',
    'protocol',
    'security',
    'performance',
    'compatibility',
  ],
  Contributing: ['decisions', 'debugging'],
}

/** The names in the menu of pages whose heading is too long for it. */
const SHORT_TITLES: Readonly<Record<string, string>> = {
  protocol: 'The checked protocol',
  security: 'Security',
  decisions: 'Decisions',
  recipes: 'Recipes',
  'unexpected-ports': 'Unexpected ports',
  environments: 'Containers and sandboxes',
  faults: 'How it is tested',
}

export function navigation(): DefaultTheme.NavItem[] {
  return [
    { text: 'Getting started', link: '/getting-started' },
    { text: 'Troubleshooting', link: '/troubleshooting' },
    { text: 'API', link: '/api/', activeMatch: '^/api/' },
  ]
}

export function sidebar(examples: readonly string[]): DefaultTheme.SidebarItem[] {
  const grouped = Object.values(GROUPS).flat()
  const more = readdirSync(DOCS)
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .map((name) => name.slice(0, -'.md'.length))
    .filter((name) => !grouped.includes(name))
  return [
    ...Object.entries({ ...GROUPS, More: more }).flatMap(([text, names]) => group(text, names)),
    {
      text: 'Examples',
      collapsed: true,
      items: examples.map((name) => ({
        text: titleOf(`../examples/${name}/README.md`),
        link: `/examples/${name}`,
      })),
    },
    { text: 'API', collapsed: true, items: apiPages() },
  ]
}

function group(text: string, names: readonly string[]): DefaultTheme.SidebarItem[] {
  const items = names
    .filter((name) => existsSync(path.join(DOCS, `${name}.md`)))
    .map((name) => ({ text: SHORT_TITLES[name] ?? titleOf(`${name}.md`), link: `/${name}` }))
  return items.length > 0 ? [{ text, items }] : []
}

/** The first heading of a page, without its Markdown. */
function titleOf(file: string): string {
  const [, title] = /^# (.+)$/m.exec(readFileSync(path.join(DOCS, file), 'utf8')) ?? []
  return title?.replaceAll('`', '') ?? file
}

/** The pages that TypeDoc has written before the site is built: one for each entry of a package. */
function apiPages(): DefaultTheme.SidebarItem[] {
  const folder = path.join(DOCS, 'api')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .map((name) => name.slice(0, -'.md'.length).replaceAll(path.sep, '/'))
    .sort()
    .map((name) => ({ text: name, link: `/api/${name}` }))
}
