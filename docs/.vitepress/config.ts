/** The documentation site: its pages are the Markdown files of docs/, which GitHub shows as well. */
import { slug } from 'github-slugger'
import { defineConfig } from 'vitepress'
import { examples } from '../build/examples.ts'
import { adaptGitHubMarkdown } from './github-markdown.ts'
import { navigation, sidebar } from './pages.ts'
import { REPOSITORY, sourceOf, VERSION } from './repository.ts'
import { tabs } from './tabs.ts'

/** The top of the first page, above the text of docs/index.md. */
const HOME = {
  layout: 'home',
  hero: {
    name: 'portslice',
    text: 'Ports for parallel tests',
    tagline: 'A port that you get is yours until you give it back, even before your app binds it.',
    actions: [
      { theme: 'brand', text: 'Getting started', link: '/getting-started' },
      { theme: 'alt', text: 'How it works', link: '/how-it-works' },
    ],
  },
}

export default defineConfig({
  title: 'portslice',
  description: 'Ports for parallel tests that no other process on the machine gets.',
  lang: 'en-GB',
  srcExclude: ['node_modules'],
  cleanUrls: false,
  // The build fails for links to missing pages; build/check-site.ts checks the anchors.
  ignoreDeadLinks: false,
  head: [['link', { rel: 'icon', href: '/logo.svg' }]],
  markdown: {
    // The defaults of VitePress are hard to read on its grey background.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-default' },
    // The anchors that GitHub makes, so that a link works in both places.
    anchor: { slugify: slug },
    // `{PORT}` is text here, not an attribute.
    attrs: { disable: true },
    config(markdown) {
      adaptGitHubMarkdown(markdown)
      tabs(markdown)
    },
  },
  transformPageData({ relativePath, frontmatter }) {
    if (relativePath === 'index.md') Object.assign(frontmatter, HOME)
    if (relativePath.startsWith('api/')) frontmatter.pageClass = 'api'
    // What is made of other sources cannot be edited here.
    if (sourceOf(relativePath) !== `docs/${relativePath}`) frontmatter.editLink = false
  },
  themeConfig: {
    logo: '/logo.svg',
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    editLink: {
      text: 'Edit this page',
      pattern: `${REPOSITORY}/edit/main/docs/:path`,
    },
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          searchOptions: {
            // An option leads to its explanation, and last to the reference.
            boostDocument: (page: string) =>
              page.includes('/options.html') ? 4 : page.includes('/api/') ? 0.05 : 1,
          },
        },
      },
    },
    outline: { level: [2, 3] },
    nav: [...navigation(), { text: `v${VERSION}`, link: `${REPOSITORY}/releases` }],
    sidebar: sidebar(examples()),
  },
})
