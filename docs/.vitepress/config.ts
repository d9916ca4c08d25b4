/** The documentation site: the pages are the Markdown files of docs/, as they stand on GitHub. */
import { slug } from 'github-slugger'
import { defineConfig } from 'vitepress'
import { examples } from '../build/examples.ts'
import { asOnGitHub } from './as-on-github.ts'
import { navigation, sidebar } from './pages.ts'

export default defineConfig({
  title: 'portslice',
  description: 'Ports for parallel tests that nobody else on the machine has.',
  lang: 'en-GB',
  srcExclude: ['node_modules'],
  cleanUrls: false,
  // A link that leads nowhere ends the build; build/check-links.ts looks at the anchors.
  ignoreDeadLinks: false,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: {
    // The anchors that GitHub makes, so that a link works in both places.
    anchor: { slugify: slug },
    // `{PORT}` is text here, not an attribute.
    attrs: { disable: true },
    config: asOnGitHub,
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: navigation(),
    sidebar: sidebar(examples()),
  },
})
