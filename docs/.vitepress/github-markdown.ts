/** Adapts Markdown that is written for GitHub to the site. */
import path from 'node:path'
import { slug } from 'github-slugger'
import type { MarkdownEnv, MarkdownRenderer } from 'vitepress'
import { REPOSITORY, sourceOf } from './repository.ts'

/** Shows code unchanged, and lets links to files lead to their pages, or to the repository if they have none. */
export function adaptGitHubMarkdown(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('github-markdown', ({ tokens, env }) => {
    const page = (env as MarkdownEnv).relativePath
    for (const child of tokens.flatMap(({ children }) => children ?? [])) {
      if (child.type === 'code_inline') child.attrSet('v-pre', '') // `{{ }}` is not an expression.
      if (child.type === 'link_open') {
        child.attrSet('href', targetOf(child.attrGet('href') ?? '', page))
      }
    }
  })
}

/** @param page its path within docs/ */
function targetOf(href: string, page: string): string {
  const source = sourceOf(page)
  // Links to other sites and within the page, and those that TypeDoc has written for this site.
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
