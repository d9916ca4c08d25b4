import { minifySync } from 'rolldown/utils'

/** The name of the chunk of libraries that is minified. */
export const MINIFIED = 'minified'

/** Stack traces show the names of functions and classes, and no expression is evaluated at build time. */
const OPTIONS = { module: true, compress: false, mangle: { keepNames: true } }

/** @param all whether all chunks are minified, or only {@link MINIFIED} */
export function minifiedChunks(all) {
  return {
    name: 'minified-chunks',
    // Not in `renderChunk`: what that returns is printed again, with all its whitespace.
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk' || !(all || chunk.name === MINIFIED)) continue
        const { code, errors } = minifySync(chunk.fileName, chunk.code, OPTIONS)
        if (errors.length > 0) throw new Error(`${chunk.fileName}: ${errors[0].message}`)
        chunk.code = code
      }
    },
  }
}
