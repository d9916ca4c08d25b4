/** What stands in the pages for GitHub to show, and what becomes of it on the site. */
import path from 'node:path'
import { slug } from 'github-slugger'
import type { MarkdownEnv, MarkdownRenderer } from 'vitepress'
import { REPOSITORY, sourceOf } from './repository.ts'

/** Code is shown as it stands. Links lead to the page that a file has become, else into the repository. */
export function asOnGitHub(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('as-on-github', ({ tokens, env }) => {
    const page = (env as MarkdownEnv).relativePath
    for (const child of tokens.flatMap(({ children }) => children ?? [])) {
      if (child.type === 'code_inline') child.attrSet('v-pre', '') // `{{ }}` is not an expression.
      if (child.type === 'link_open') {
        child.attrSet('href', targetOf(child.attrGet('href') ?? '', page))
      }
    }
  })
}

/** @param page as a path within docs/ */
function targetOf(href: string, page: string): string {
  const source = sourceOf(page)
  // Of other sites, of the page itself, and what TypeDoc has written for this one.
  if (/^([a-z]+:|#|\/)/.test(href) || source === undefined) return href
  const [file = '', anchor] = href.split('#')
  const target = path.posix.join(path.posix.dirname(source), file)
  const [, document] = /^docs\/(.+\.md)$/.exec(target) ?? []
  if (document !== undefined) return `/${document}${anchor === undefined ? '' : `#${anchor}`}`
  const [, example, inside = ''] = /^examples\/([\w-]+)\/?(.*)$/.exec(target) ?? []
  if (example !== undefined) {
    return `/examples/${example}.md${/^(README\.md)?$/.test(inside) ? '' : `#${slug(inside)}`}`
  }
  return `${REPOSITORY}/tree/HEAD/${target}`
}
