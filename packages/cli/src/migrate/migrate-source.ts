/** Migrates the code of one file in memory. */
import { ADVICE, type AdviceName } from './advice.js'
import { type FileKind, fileKind } from './file-kind.js'
import { findFixedPorts } from './find-fixed-ports.js'
import { findWorkerSums, WORKER_NUMBER } from './find-worker-sums.js'
import { parseSource } from './parse.js'
import type { ProjectInfo } from './project.js'
import { PACKAGE_NAMES, replacePackages } from './replace-packages.js'
import { replaceWorkerSums } from './replace-worker-sums.js'
import { SourceEdits } from './source-edits.js'
import { type Node, SyntaxTree } from './syntax-tree.js'
import { TakePortImport } from './take-port-import.js'

/** A place that the user has to change or check. */
export interface Finding {
  line: number
  column: number
  kind: AdviceName
  /** The first line of the code at this place. */
  source: string
  advice: string
}

export interface MigratedSource {
  code: string
  /** How many places were changed. */
  changes: number
  findings: readonly Finding[]
}

const PACKAGE = new RegExp(PACKAGE_NAMES.map((name) => `['"\`]${name}['"\`]`).join('|'))
const PORT_NUMBER = /\b\d{4,5}\b|\b\d{1,2}_\d{3}\b|:\d{2,5}\b/

/** A quick check, because most files contain no ports and need no parsing. */
export function mayContainPorts(code: string): boolean {
  return isAboutPorts(code) || PORT_NUMBER.test(code)
}

function isAboutPorts(code: string): boolean {
  return PACKAGE.test(code) || WORKER_NUMBER.test(code)
}

export class Source {
  readonly #tree: SyntaxTree | undefined
  readonly #problem: Finding | undefined
  readonly #project: ProjectInfo
  readonly code: string
  readonly file: string
  readonly kind: FileKind | undefined

  constructor(code: string, file: string, project: ProjectInfo) {
    this.code = code
    this.file = file
    this.#project = project
    const parsed = treeOf(code, file)
    if (parsed instanceof SyntaxTree) {
      this.#tree = parsed
      this.kind = fileKind(parsed, file, project)
    } else if (isAboutPorts(code)) {
      const { line, problem } = parsed
      const advice = `${ADVICE.unparsable} (${problem})`
      this.#problem = { line, column: 1, kind: 'unparsable', source: '', advice }
    }
  }

  /** The base ports to which this file adds the number of a worker. */
  get workerBases(): number[] {
    const sums = this.#tree ? findWorkerSums(this.#tree) : []
    return sums.flatMap(({ base }) => (base === undefined ? [] : [base]))
  }

  migrate(sharedBases: ReadonlySet<number> = new Set()): MigratedSource {
    const { code } = this
    const tree = this.#tree
    const { kind } = this
    if (!tree || !kind) {
      return { code, changes: 0, findings: this.#problem ? [this.#problem] : [] }
    }
    const edits = new SourceEdits(code)
    const findings: Finding[] = []
    let changes = 0
    const list = (node: Node, advice: AdviceName, port?: number) => {
      findings.push(findingAt(code, node, advice, port))
    }
    const file = {
      tree,
      edits,
      takePort: new TakePortImport(tree, edits, kind),
      refusalOf: (name: string) => this.#refusalOf(name),
      list,
      noteChange: () => {
        changes += 1
      },
    }
    replacePackages(file)
    replaceWorkerSums(file, kind, sharedBases)
    for (const { node, advice, port } of findFixedPorts(tree, this.file)) {
      if (!edits.isReplaced(node)) list(node, advice, port)
    }
    findings.sort((a, b) => a.line - b.line || a.column - b.column)
    return { code: edits.toString(), changes, findings }
  }

  #refusalOf(packageName: string): AdviceName | undefined {
    const role = this.kind?.role
    if (role === 'config') return 'config'
    return role === 'other' && this.#project.production.has(packageName) ? 'production' : undefined
  }
}

function treeOf(code: string, file: string): SyntaxTree | { problem: string; line: number } {
  const parsed = parseSource(code, file)
  if ('problem' in parsed) return parsed
  try {
    return new SyntaxTree(code, parsed.program, parsed.comments)
  } catch (error) {
    // For example, a generated file with thousands of nested expressions overflows the stack.
    return { problem: (error as Error).message, line: 1 }
  }
}

/** Base ports in several files, if one of the files is not a test: these files must agree on the number. */
export function sharedBasesOf(sources: readonly Source[]): ReadonlySet<number> {
  const users = new Map<number, Source[]>()
  for (const source of sources) {
    for (const base of new Set(source.workerBases)) {
      users.set(base, [...(users.get(base) ?? []), source])
    }
  }
  const shared = [...users].filter(
    ([, files]) => files.length > 1 && files.some(({ kind }) => kind?.role !== 'test'),
  )
  return new Set(shared.map(([base]) => base))
}

function findingAt(code: string, { start, end }: Node, kind: AdviceName, port?: number): Finding {
  const before = code.slice(0, start)
  const lineStart = before.lastIndexOf('\n') + 1
  const newline = code.slice(start, end).search(/\r?\n/)
  return {
    line: before.split('\n').length,
    column: start - lineStart + 1,
    kind,
    source: code.slice(start, newline < 0 ? end : start + newline),
    advice: ADVICE[kind].replace('PORT', String(port ?? 'PORT')),
  }
}
