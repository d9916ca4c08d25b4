/**
 * Checks the built site: each page must have its heading, as a page that could not be rendered is
 * empty; each link and picture must lead to a file that was built, and each `#fragment` to an
 * element of that page. VitePress only checks links to pages.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'node-html-parser'

/** Rendered only in the browser, so not checked here. */
const NOT_FOUND = '/404.html'

/**
 * @param site the folder that VitePress has built
 * @returns what is wrong, a sentence each
 */
export function faultsOf(site: string): string[] {
  const files = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(path.join(site, file)).isFile(),
  )
  const known = new Set(files.map((file) => `/${file.replaceAll(path.sep, '/')}`))
  const pages = new Map(
    [...known]
      .filter((file) => file.endsWith('.html'))
      .map((file) => [file, parse(readFileSync(path.join(site, file), 'utf8'))]),
  )
  const anchors = new Map(
    [...pages].map(([file, page]) => [
      file,
      new Set(page.querySelectorAll('[id]').map((element) => element.id)),
    ]),
  )
  return [...pages].flatMap(([page, document]) => [
    ...(page === NOT_FOUND || document.querySelector('h1')
      ? []
      : [`${page} has no heading: it could not be drawn`]),
    ...document
      .querySelectorAll('[href], [src]')
      .map((element) => element.getAttribute('href') ?? element.getAttribute('src') ?? '')
      .filter((href) => !leadsSomewhere(href, page, known, anchors))
      .map((href) => `${page} links to ${href}, which is not there`),
  ])
}

function leadsSomewhere(
  href: string,
  page: string,
  known: ReadonlySet<string>,
  anchors: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const { protocol, host, pathname, hash } = new URL(href, `http://site${page}`)
  if (protocol === 'data:' || host !== 'site') return true // Other sites are not asked.
  const file = decodeURI(pathname.endsWith('/') ? `${pathname}index.html` : pathname)
  if (!known.has(file)) return false
  const ids = anchors.get(file)
  return hash === '' || ids === undefined || ids.has(decodeURIComponent(hash.slice(1)))
}
