import { readArguments, type Syntax } from '../command-line/arguments.js'
import { usageError } from '../command-line/usage-error.js'
import { findFiles } from '../migrate/find-files.js'
import { type MigratedFile, migrateFiles } from '../migrate/migrate-files.js'
import { installCommand, projectOf } from '../migrate/project.js'
import { migrateJson, migrateText, type Outcome } from '../migrate/report.js'
import { type Refusal, writeMigrated } from '../migrate/write-migrated.js'
import { coloursFor } from '../terminal/colours.js'
import { lineLimitOf } from '../terminal/columns.js'

export const help = `portslice migrate: moves tests from get-port and similar packages to portslice

  portslice migrate                     shows the changes, and the places that are left to you
  portslice migrate test src/a.test.ts  only in these files and directories
  portslice migrate --write             changes the files
  portslice migrate --json | jq '.files[].findings[]'

Options
  --write    changes the files, except those with uncommitted changes
  --force    with --write: also files that git cannot restore
  --dry-run  changes nothing, which is the default
  --json     prints JSON; docs/migrate.md has the schema

It replaces calls of get-port, portfinder, detect-port and get-port-please, and ports that are
calculated from the number of a worker ($VITEST_POOL_ID, $JEST_WORKER_ID, workerIndex, …). It
changes only calls that it understands, and lists the others with the line and advice: callbacks,
options that are not known before the code runs, tables of ports, fixed ports. The exit status is 1
if a file could not be changed.
`

export const syntax: Syntax<'write' | 'force' | 'dry-run' | 'json'> = {
  command: 'migrate',
  options: {
    write: { type: 'boolean' },
    force: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  takesPaths: true,
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const isWriting = given.has('write')
  if (isWriting && given.has('dry-run')) {
    throw usageError(
      'The options --write and --dry-run exclude each other.',
      'Leave out --dry-run to change the files, or --write to look at the changes.',
    )
  }
  const paths = given.operands.length > 0 ? given.operands : ['.']
  const files = migrateFiles(findFiles(paths))
  const refused = new Map<string, Refusal>()
  const written = isWriting ? write(files, given.has('force'), refused) : undefined
  const install = missingPackages(files)
  const outcome: Outcome = {
    files,
    refused,
    ...(written && { written }),
    ...(install.length > 0 && { install: installCommand(process.cwd(), install) }),
  }
  const { stdout } = process
  const columns = lineLimitOf(stdout)
  stdout.write(
    given.has('json')
      ? migrateJson(outcome)
      : migrateText(outcome, { colours: coloursFor(stdout), columns }),
  )
  return refused.size > 0 ? 1 : 0
}

function write(
  files: readonly MigratedFile[],
  force: boolean,
  refused: Map<string, Refusal>,
): Set<string> {
  const written = new Set<string>()
  for (const { file, before, code } of files) {
    if (before === code) continue
    const refusal = writeMigrated(file, before, code, { force })
    if (refusal) refused.set(file, refusal)
    else written.add(file)
  }
  return written
}

function missingPackages(files: readonly MigratedFile[]): string[] {
  const missing = files.flatMap(({ file, packages }) => {
    const { dependencies } = projectOf(file)
    return packages.filter((name) => !dependencies.has(name))
  })
  return [...new Set(missing)].sort()
}
