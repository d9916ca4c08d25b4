import { type ParserPlugin, parse } from '@babel/parser'
import type { Program } from '@oxc-project/types'

/** The position of a comment. */
export interface Comment {
  start: number
  end: number
}

export type Parsed =
  | { program: Program; comments: readonly Comment[] }
  | { problem: string; line: number }

/** Parses JavaScript and TypeScript, with or without JSX, to ESTree. */
export function parseSource(code: string, file: string): Parsed {
  try {
    const { program, comments } = parse(code, {
      sourceType: 'unambiguous',
      plugins: [
        'estree',
        'explicitResourceManagement',
        'decoratorAutoAccessors',
        ...languageOf(file),
      ],
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: true,
      allowImportExportEverywhere: true,
      createImportExpressions: true,
    })
    return {
      program: program as unknown as Program,
      comments: (comments ?? []).map(({ start, end }) => ({ start: start ?? 0, end: end ?? 0 })),
    }
  } catch (error) {
    const { message, loc } = error as Error & { loc?: { line: number } }
    return { problem: message.replace(/ \(\d+:\d+\)$/, ''), line: loc?.line ?? 1 }
  }
}

/** In a `.ts` file, `<T>value` is a type assertion, not JSX. Only TypeScript decorates parameters. */
function languageOf(file: string): ParserPlugin[] {
  if (/\.[cm]?ts$/.test(file)) return ['typescript', 'decorators-legacy']
  if (file.endsWith('.tsx')) return ['typescript', 'jsx', 'decorators-legacy']
  return ['flow', 'jsx', 'decorators']
}
