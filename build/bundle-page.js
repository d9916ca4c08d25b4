import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const pageFile = (file) => fileURLToPath(new URL(`../packages/pages/src/${file}`, import.meta.url))

/**
 * Bundles a page for browsers. A package embeds the script and the style as strings.
 *
 * @param name a directory of packages/pages/src
 */
export async function bundlePage(name) {
  await using page = await rolldown({
    input: pageFile(`${name}/page.tsx`),
    platform: 'browser',
    resolve: { extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } },
    transform: { target: 'es2022' },
  })
  const { output } = await page.generate({ format: 'iife', minify: true, codeSplitting: false })
  const [{ code, moduleIds }] = output
  const style = ['shared/theme.css', `${name}/page.css`]
    .map((file) => readFileSync(pageFile(file), 'utf8').replaceAll(/\s+/g, ' '))
    .join('')
  return { page: { script: code, style }, moduleIds }
}
