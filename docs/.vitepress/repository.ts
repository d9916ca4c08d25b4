import { readFileSync } from 'node:fs'

const core = JSON.parse(
  readFileSync(new URL('../../packages/core/package.json', import.meta.url), 'utf8'),
) as { version: string; repository: { url: string } }

/** The version of all packages. */
export const VERSION = core.version

/** Where the repository can be looked at. */
export const REPOSITORY = core.repository.url.replace(/^git\+/, '').replace(/\.git$/, '')

/** The file in the repository that a page is made of; `undefined` for what TypeDoc has written. */
export function sourceOf(page: string): string | undefined {
  if (page.startsWith('api/')) return undefined
  const [, example] = /^examples\/([\w-]+)\.md$/.exec(page) ?? []
  return example === undefined ? `docs/${page}` : `examples/${example}/README.md`
}
