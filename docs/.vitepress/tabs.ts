import type { MarkdownRenderer } from 'vitepress'

type Token = ReturnType<MarkdownRenderer['parse']>[number]

/** A block whose language is followed by a name: `sh [npm]`. */
const isNamed = (token: Token | undefined) =>
  token?.type === 'fence' && /^\w+ \[\w+\]$/.test(token.info.trim())

/** Shows consecutive blocks with names as tabs. GitHub shows them below each other. */
export function tabs(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('tabs', (state) => {
    const container = (nesting: 1 | -1) => {
      const type = `container_code-group_${nesting === 1 ? 'open' : 'close'}`
      const token = new state.Token(type, 'div', nesting)
      token.info = ' code-group'
      return token
    }
    state.tokens = state.tokens.flatMap((token, i, all) => [
      ...(isNamed(token) && !isNamed(all[i - 1]) ? [container(1)] : []),
      token,
      ...(isNamed(token) && !isNamed(all[i + 1]) ? [container(-1)] : []),
    ])
  })
}
