import { readFileSync } from 'node:fs'

const core = JSON.parse(
  readFileSync(new URL('../../packages/core/package.json', import.meta.url), 'utf8'),
) as { version: string; repository: { url: string } }

/** The version of all packages. */
export const VERSION = core.version

/** The address of the repository. */
export const REPOSITORY = core.repository.url.replace(/^git\+/, '').replace(/\.git$/, '')

/** The source of a page in the repository; `undefined` for pages that TypeDoc has written. */
export function sourceOf(page: string): string | undefined {
  if (page.startsWith('api/')) return undefined
  const [, example] = /^examples\/([\w-]+)\.md$/.exec(page) ?? []
  return example === undefined ? `docs/${page}` : `examples/${example}/README.md`
}
