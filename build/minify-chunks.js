import { minifySync } from 'rolldown/utils'

/** The name of the chunk with the libraries that are always minified. */
export const MINIFIED = 'minified'

/** Keeps the names of functions and classes for stack traces. Evaluates no expression at build time. */
const OPTIONS = { module: true, compress: false, mangle: { keepNames: true } }

/** @param all whether to minify all chunks, or only {@link MINIFIED} */
export function minifyChunks(all) {
  return {
    name: 'minify-chunks',
    // Not in `renderChunk`, because rolldown prints its result again, with whitespace.
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
