/** Adds one import of takePort to a file, under a name that the file does not use yet. */
import type { FileKind } from './file-kind.js'
import type { ImportSite } from './find-package-uses.js'
import type { SourceEdits } from './source-edits.js'
import { type Node, type NodeOf, type SyntaxTree, stringOf } from './syntax-tree.js'

const NAME = 'takePort'
/** For files with a variable that is called takePort. */
const OTHER_NAME = 'takeLeasedPort'
const MODULES = /^@portslice\/(core|vitest-plugin\/test)$/

export class TakePortImport {
  /** The name of takePort in this file. */
  readonly name: string
  #isImported: boolean
  readonly #tree: SyntaxTree
  readonly #edits: SourceEdits
  readonly #kind: FileKind

  constructor(tree: SyntaxTree, edits: SourceEdits, kind: FileKind) {
    this.#tree = tree
    this.#edits = edits
    this.#kind = kind
    const existing = existingName(tree)
    this.#isImported = existing !== undefined
    this.name = existing ?? (isUsed(tree, NAME) ? OTHER_NAME : NAME)
  }

  /** Replaces the import of a package by that of takePort. Call it after all uses of the package are replaced. */
  replaceSite(site: ImportSite): void {
    if (site.form === 'inline') return
    if (site.form === 'import') {
      if (this.#isImported) this.#edits.removeStatement(site.node)
      else this.#edits.replace(site.node, this.#importText(site.node))
      this.#isImported = true
      return
    }
    const isShared = this.#isAtTopLevel(site.node)
    if (isShared && this.#isImported) {
      this.#removeDeclarator(site.node)
    } else {
      this.#isImported ||= isShared
      this.#edits.replace(site.node, `${this.#pattern()} = ${this.loadText(site.origin)}`)
    }
  }

  /** Adds takePort beside an import that is still needed. `names`: the imported names that stay. */
  addBeside(site: ImportSite, names: readonly Node[]): void {
    if (site.form === 'inline') return
    if (site.form === 'import') {
      this.#edits.replace(site.node, this.#withNames(site.node, names) + this.#addition(site.node))
      this.#isImported = true
      return
    }
    const isShared = this.#isAtTopLevel(site.node)
    if (isShared && this.#isImported) return
    this.#isImported ||= isShared
    this.#edits.insertAfter(site.node, `, ${this.#pattern()} = ${this.loadText(site.origin)}`)
  }

  /** Adds an import of takePort on a new line, if the file has none yet. */
  ensure(): void {
    if (this.#isImported) return
    this.#isImported = true
    const { lineEnd } = this.#edits
    const line = this.#kind.style === 'import' ? this.#importText() : this.#requireText()
    const last = this.#tree.program.body.findLast((each) => isImport(each))
    if (last) {
      this.#edits.insertAfter(last, `${lineEnd}${line}`)
      return
    }
    const first = this.#tree.program.body.find((each) => !('directive' in each && each.directive))
    this.#edits.insertBefore(first?.start ?? this.#tree.code.length, `${line}${lineEnd}${lineEnd}`)
  }

  /** `require('@portslice/core')` or `await import(…)`, in the form that loads the other package. */
  loadText(origin: Node): string {
    const isImport = origin.type === 'AwaitExpression'
    const module = isImport ? this.#kind.takePortModule : '@portslice/core'
    return `${isImport ? 'await import' : 'require'}(${this.#quoted(module)})`
  }

  #addition(node: Node): string {
    return this.#isImported ? '' : this.#edits.lineEnd + this.#importText(node)
  }

  #importText(like?: Node): string {
    const names = this.name === NAME ? NAME : `${NAME} as ${this.name}`
    const end = this.#endsWithSemicolon(like) ? ';' : ''
    return `import { ${names} } from ${this.#quoted(this.#kind.takePortModule)}${end}`
  }

  #requireText(): string {
    const end = this.#endsWithSemicolon() ? ';' : ''
    return `const ${this.#pattern()} = require(${this.#quoted('@portslice/core')})${end}`
  }

  #pattern(): string {
    return this.name === NAME ? `{ ${NAME} }` : `{ ${NAME}: ${this.name} }`
  }

  #withNames(node: NodeOf<'ImportDeclaration'>, names: readonly Node[]): string {
    const text = (each: Node) => this.#tree.textOf(each)
    const braced = names.filter(({ type }) => type === 'ImportSpecifier').map(text)
    const plain = names.filter(({ type }) => type !== 'ImportSpecifier').map(text)
    const all = [...plain, ...(braced.length > 0 ? [`{ ${braced.join(', ')} }`] : [])].join(', ')
    const isType = node.importKind === 'type' ? 'type ' : ''
    const after = this.#tree.code.slice(node.source.start, node.end)
    return `import ${isType}${all} from ${after}`
  }

  #removeDeclarator(node: NodeOf<'VariableDeclarator'>): void {
    const declaration = this.#tree.parentOf(node) as NodeOf<'VariableDeclaration'>
    const { declarations } = declaration
    const index = declarations.indexOf(node)
    const previous = declarations[index - 1]
    const next = declarations[index + 1]
    if (previous) this.#edits.remove({ start: previous.end, end: node.end })
    else if (next) this.#edits.remove({ start: node.start, end: next.start })
    else this.#edits.removeStatement(declaration)
  }

  #isAtTopLevel(node: Node): boolean {
    const declaration = this.#tree.parentOf(node)
    return declaration !== undefined && this.#tree.parentOf(declaration)?.type === 'Program'
  }

  #endsWithSemicolon(like: Node | undefined = this.#tree.program.body[0]): boolean {
    return like === undefined || this.#tree.textOf(like).endsWith(';')
  }

  /** Uses the same quotes as the file. */
  #quoted(module: string): string {
    const { nodes } = this.#tree
    const source = nodes.find(
      (node) => node.type === 'Literal' && typeof node.value === 'string' && node.raw !== null,
    )
    const quote = source && this.#tree.textOf(source).startsWith('"') ? '"' : "'"
    return quote + module + quote
  }
}

function existingName(tree: SyntaxTree): string | undefined {
  for (const node of tree.program.body) {
    if (node.type === 'ImportDeclaration' && MODULES.test(node.source.value)) {
      const found = node.specifiers.find(
        (each) =>
          each.type === 'ImportSpecifier' &&
          each.imported.type === 'Identifier' &&
          each.imported.name === NAME,
      )
      if (found) return found.local.name
    }
    if (node.type === 'VariableDeclaration') {
      const found = node.declarations.flatMap(({ id, init }) =>
        id.type === 'ObjectPattern' && isRequireOfOurs(init) ? id.properties : [],
      )
      for (const each of found) {
        if (each.type !== 'Property' || each.key.type !== 'Identifier') continue
        if (each.key.name === NAME && each.value.type === 'Identifier') return each.value.name
      }
    }
  }
  return undefined
}

function isRequireOfOurs(init: Node | null): boolean {
  const load = init?.type === 'AwaitExpression' ? init.argument : init
  if (load?.type === 'ImportExpression') return MODULES.test(stringOf(load.source) ?? '')
  return (
    load?.type === 'CallExpression' &&
    load.callee.type === 'Identifier' &&
    load.callee.name === 'require' &&
    MODULES.test(stringOf(load.arguments[0]) ?? '')
  )
}

function isUsed(tree: SyntaxTree, name: string): boolean {
  return tree.nodes.some((node) => node.type === 'Identifier' && node.name === name)
}

function isImport(node: Node): boolean {
  if (node.type === 'ImportDeclaration') return true
  return (
    node.type === 'VariableDeclaration' &&
    node.declarations.some(
      ({ init }) =>
        init?.type === 'CallExpression' &&
        init.callee.type === 'Identifier' &&
        init.callee.name === 'require',
    )
  )
}
