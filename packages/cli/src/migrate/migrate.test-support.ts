import { type MigratedSource, Source } from './migrate-source.js'
import type { ProjectInfo } from './project.js'

export interface FileSetup extends Partial<Omit<ProjectInfo, 'dependencies' | 'production'>> {
  file?: string
  dependencies?: string[]
  production?: string[]
  sharedBases?: number[]
}

export function migrate(code: string, setup: FileSetup = {}): MigratedSource {
  const { file = 'a.mjs', isModule = false, scripts = [], dependencies = [] } = setup
  const project = {
    isModule,
    scripts,
    dependencies: new Set(dependencies),
    production: new Set(setup.production),
  }
  return new Source(code, file, project).migrate(new Set(setup.sharedBases))
}

/** The findings in the form `line kind`. */
export function listFindings(code: string, setup?: FileSetup): string[] {
  return migrate(code, setup).findings.map(({ line, kind }) => `${line} ${kind}`)
}

/** Removes the indentation of a template string. */
export function text(indented: string): string {
  const lines = indented.replace(/^\n/, '').split('\n')
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  const indent = Math.min(...indents)
  return lines
    .map((line) => line.slice(indent))
    .join('\n')
    .replace(/\n\s*$/, '\n')
}
