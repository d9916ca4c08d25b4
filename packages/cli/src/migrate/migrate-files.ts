/** Migrates several files. Base ports that they share are not replaced: all files must agree on them. */
import path from 'node:path'
import { ADVICE } from './advice.js'
import { type MigratedSource, mayContainPorts, Source, sharedBasesOf } from './migrate-source.js'
import { projectOf } from './project.js'
import { readSource } from './read-source.js'

export interface MigratedFile extends MigratedSource {
  /** Absolute. */
  file: string
  /** The code before the migration. */
  before: string
  /** Our packages that the migrated code imports. */
  packages: readonly string[]
}

/** @returns the files with changes or findings */
export function migrateFiles(files: readonly string[]): MigratedFile[] {
  const unreadable: MigratedFile[] = []
  const sources: Source[] = []
  for (const file of files) {
    const code = readSource(file)
    if (code === undefined) unreadable.push(unreadableFile(file))
    else if (mayContainPorts(code)) sources.push(new Source(code, file, projectOf(file)))
  }
  const sharedBases = sharedBasesOf(sources)
  const migrated = sources.map((source): MigratedFile => {
    const { code, changes, findings } = source.migrate(sharedBases)
    const { file, code: before } = source
    return { file, before, code, changes, findings, packages: packagesIn(code, before) }
  })
  return [...migrated, ...unreadable]
    .filter(({ changes, findings }) => changes > 0 || findings.length > 0)
    .sort((a, b) => (a.file < b.file ? -1 : 1))
}

function unreadableFile(file: string): MigratedFile {
  const advice = `${ADVICE.unparsable} (${path.basename(file)} is not UTF-8)`
  const finding = { line: 1, column: 1, kind: 'unparsable' as const, source: '', advice }
  return { file, before: '', code: '', changes: 0, findings: [finding], packages: [] }
}

/** The names of our packages in the new code, if it differs from the old one. */
function packagesIn(code: string, before: string): string[] {
  if (code === before) return []
  const names = code.match(/@portslice\/[a-z-]+(?=['"/])/g) ?? []
  return [...new Set(names)].sort()
}
