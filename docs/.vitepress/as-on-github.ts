/** What stands in the pages for GitHub to show, and what becomes of it on the site. */
import { readFileSync } from 'node:fs'
import type { MarkdownRenderer } from 'vitepress'

const { repository } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { repository?: string | { url: string } }

/** Where the repository can be looked at; `undefined` as long as package.json does not say. */
const HOME = (typeof repository === 'string' ? repository : repository?.url)
  ?.replace(/^git\+/, '')
  .replace(/\.git$/, '')

/**
 * Code is shown as it stands. A folder of examples/ has a page of its own. Other files outside of docs/ are linked in the
 * repository; where nobody knows where that is, the text stays without its link.
 */
export function asOnGitHub(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('as-on-github', ({ tokens }) => {
    for (const token of tokens) {
      const opened: boolean[] = []
      token.children = (token.children ?? []).filter((child) => {
        if (child.type === 'code_inline') child.attrSet('v-pre', '') // `{{ }}` is no expression.
        if (child.type === 'link_close') return opened.pop()
        if (child.type !== 'link_open') return true
        const target = targetOf(child.attrGet('href') ?? '')
        if (target !== undefined) child.attrSet('href', target)
        opened.push(target !== undefined)
        return target !== undefined
      })
    }
  })
}

function targetOf(href: string): string | undefined {
  if (!href.startsWith('../')) return href
  const [, example] = /^\.\.\/examples\/([\w-]+)\/?$/.exec(href) ?? []
  if (example !== undefined) return `./examples/${example}.md`
  return HOME?.startsWith('https://') ? `${HOME}/tree/HEAD/${href.slice('../'.length)}` : undefined
}
