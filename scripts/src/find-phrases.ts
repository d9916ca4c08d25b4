import { BANNED_PHRASES } from './banned-phrases.ts'

/** A line that may keep a banned phrase. */
export interface Exception {
  file: string
  /** A part of the line. */
  text: string
  reason: string
}

export interface SourceFile {
  file: string
  text: string
}

/**
 * Finds banned phrases, and exceptions that are not needed.
 *
 * @returns a message for each finding
 */
export function findPhrases(
  files: readonly SourceFile[],
  exceptions: readonly Exception[],
): string[] {
  const used = new Set<Exception>()
  const findings = files.flatMap(({ file, text }) =>
    text.split('\n').flatMap((line, index) =>
      BANNED_PHRASES.flatMap(({ pattern, repair }) => {
        const phrase = pattern.exec(line)?.[0]
        if (phrase === undefined) return []
        const allowed = exceptions.filter((each) => each.file === file && line.includes(each.text))
        for (const each of allowed) used.add(each)
        return allowed.length > 0 ? [] : [`${file}:${index + 1}: "${phrase}". Write: ${repair}.`]
      }),
    ),
  )
  const unused = exceptions.filter((each) => !used.has(each))
  return [
    ...findings,
    ...unused.map(({ file, text }) => `${file}: the exception for "${text}" is not needed.`),
  ]
}
