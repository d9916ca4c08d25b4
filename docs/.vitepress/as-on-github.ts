/** What stands in the pages for GitHub to show, and what becomes of it on the site. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { slug } from 'github-slugger'
import type { MarkdownEnv, MarkdownRenderer } from 'vitepress'

const { repository } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { repository?: string | { url: string } }

/** Where the repository can be looked at; `undefined` as long as package.json does not say. */
const HOME = (typeof repository === 'string' ? repository : repository?.url)
  ?.replace(/^git\+/, '')
  .replace(/\.git$/, '')

/**
 * Code is shown as it stands. Links lead to the page that a file or folder has become; where it
 * has become none, into the repository; and where nobody knows where that is, the text stays
 * without its link.
 */
export function asOnGitHub(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('as-on-github', ({ tokens, env }) => {
    for (const token of tokens) {
      const opened: boolean[] = []
      token.children = (token.children ?? []).filter((child) => {
        if (child.type === 'code_inline') child.attrSet('v-pre', '') // `{{ }}` is no expression.
        if (child.type === 'link_close') return opened.pop()
        if (child.type !== 'link_open') return true
        const target = targetOf(child.attrGet('href') ?? '', (env as MarkdownEnv).relativePath)
        if (target !== undefined) child.attrSet('href', target)
        opened.push(target !== undefined)
        return target !== undefined
      })
    }
  })
}

/** @param page as a path within docs/ */
function targetOf(href: string, page: string): string | undefined {
  // Of other sites, of the page itself, and what TypeDoc has written for this one.
  if (/^([a-z]+:|#|\/)/.test(href) || page.startsWith('api/')) return href
  const source = sourceOf(page)
  const [file = '', anchor] = href.split('#')
  const target = path.posix.join(path.posix.dirname(source), file)
  const [, document] = /^docs\/(.+\.md)$/.exec(target) ?? []
  if (document !== undefined) return `/${document}${anchor === undefined ? '' : `#${anchor}`}`
  const [, example, inside = ''] = /^examples\/([\w-]+)\/?(.*)$/.exec(target) ?? []
  if (example !== undefined) {
    return `/examples/${example}.md${/^(README\.md)?$/.test(inside) ? '' : `#${slug(inside)}`}`
  }
  return HOME?.startsWith('https://') ? `${HOME}/tree/HEAD/${target}` : undefined
}

/** The file in the repository that a page is made of. */
function sourceOf(page: string): string {
  const [, example] = /^examples\/([\w-]+)\.md$/.exec(page) ?? []
  return example === undefined ? `docs/${page}` : `examples/${example}/README.md`
}
