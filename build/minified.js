import { minifySync } from 'rolldown/utils'

/** The name of the chunk that is minified. */
export const MINIFIED = 'minified'

/** For libraries that are large and seldom loaded. */
export function minifiedLibraries() {
  return {
    name: 'minified-libraries',
    // Not in `renderChunk`: what that returns is printed again, with all its whitespace.
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.name !== MINIFIED || chunk.type !== 'chunk') continue
        const { code, errors } = minifySync(chunk.fileName, chunk.code, { module: true })
        if (errors.length > 0) throw new Error(`${chunk.fileName}: ${errors[0].message}`)
        chunk.code = code
      }
    },
  }
}
