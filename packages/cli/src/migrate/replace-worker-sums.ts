/** Replaces ports that are calculated from the number of a worker. */
import type { AdviceName } from './advice.js'
import type { FileKind } from './file-kind.js'
import { findWorkerSums, type WorkerSum } from './find-worker-sums.js'
import type { FileMigration } from './replace-packages.js'
import { isFunction, isInside, type Node, propertyName, type SyntaxTree } from './syntax-tree.js'

/** Callbacks that a runner calls once for each file or test. */
const HOOKS = /^(before|beforeAll|beforeEach|test|it|after|setup|suite)$/

export function replaceWorkerSums(
  file: FileMigration,
  kind: FileKind,
  /** Base ports that other files also use: all of them must agree on the number. */
  sharedBases: ReadonlySet<number>,
): void {
  const { tree, edits, takePort } = file
  const sums = findWorkerSums(tree).filter(({ node }) => !edits.isReplaced(node))
  const replaced: Node[] = []
  for (const sum of sums) {
    const isOnly = sums.filter(({ base }) => base === sum.base).length === 1
    const isShared = !isOnly || (sum.base !== undefined && sharedBases.has(sum.base))
    const advice = obstacle(file, sum, kind) ?? (isShared ? 'sharedNumber' : undefined)
    if (advice) {
      file.list(sum.node, advice)
      continue
    }
    edits.replace(sum.node, `await ${takePort.name}()`)
    file.noteChange()
    replaced.push(sum.node)
  }
  if (replaced.length === 0) return
  takePort.ensure()
  removeUnused(file, replaced)
}

function obstacle(
  { tree }: FileMigration,
  { node, base }: WorkerSum,
  kind: FileKind,
): AdviceName | undefined {
  if (kind.role === 'config') return 'config'
  if (base === undefined || tree.parentOf(node)?.type === 'TemplateLiteral') return 'workerSum'
  return obstacleAt(tree, node, kind) ?? (isCountedFrom(tree, node) ? 'block' : undefined)
}

/** Why `await takePort()` is not possible at this place. */
function obstacleAt(tree: SyntaxTree, node: Node, kind: FileKind): AdviceName | undefined {
  for (const around of tree.ancestorsOf(node)) {
    if (/^(For|While|DoWhile)/.test(around.type)) return 'repeated'
    if (around.type === 'PropertyDefinition' || around.type === 'StaticBlock') return 'synchronous'
    if (!isFunction(around)) continue
    if (!around.async) return 'synchronous'
    // Any function except a hook or test may run again, and must return the same number.
    return isCallback(tree, around) ? undefined : 'repeated'
  }
  return kind.allowsTopLevelAwait ? undefined : 'synchronous'
}

function isCallback(tree: SyntaxTree, callback: Node): boolean {
  const call = tree.parentOf(callback)
  if (call?.type === 'CallExpression' && call.arguments.some((each) => each === callback)) {
    return HOOKS.test(calledName(call.callee))
  }
  // test.extend({ port: async ({}, use, testInfo) => … }), also as [fixture, { scope }]
  for (const around of tree.ancestorsOf(callback)) {
    if (/^(Property|ObjectExpression|ArrayExpression)$/.test(around.type)) continue
    return (
      around.type === 'CallExpression' &&
      around.callee.type === 'MemberExpression' &&
      propertyName(around.callee) === 'extend'
    )
  }
  return false
}

/** `beforeAll` for `beforeAll` and `test.beforeAll`; `test` for `test.only` and `test.concurrent`. */
function calledName(callee: Node): string {
  if (callee.type === 'Identifier') return callee.name
  // test.each([…])('…', async () => …)
  if (callee.type === 'CallExpression') return calledName(callee.callee)
  if (callee.type === 'TaggedTemplateExpression') return calledName(callee.tag)
  if (callee.type !== 'MemberExpression') return ''
  const name = propertyName(callee) ?? ''
  return HOOKS.test(name) ? name : calledName(callee.object)
}

/** Whether other ports are calculated from the variable, such as `port + 1`. */
function isCountedFrom(tree: SyntaxTree, node: Node): boolean {
  const parent = tree.parentOf(node)
  const references =
    parent?.type === 'VariableDeclarator'
      ? tree.referencesOf(parent.id)
      : parent?.type === 'AssignmentExpression'
        ? referencesOfTarget(tree, parent.left)
        : []
  return references.some((each) => {
    const around = tree.parentOf(each)
    return (
      around?.type === 'UpdateExpression' ||
      (around?.type === 'BinaryExpression' && /^[-+*]$/.test(around.operator) && !isText(around))
    )
  })
}

/** `'http://localhost:' + port` is a string, not a calculated port. */
function isText({ left, right }: { left: Node; right: Node }): boolean {
  return [left, right].some(
    (each): boolean =>
      (each.type === 'Literal' && typeof each.value === 'string') ||
      each.type === 'TemplateLiteral' ||
      (each.type === 'BinaryExpression' && isText(each)),
  )
}

function referencesOfTarget(tree: SyntaxTree, target: Node): readonly Node[] {
  const declaration = tree.declarationOf(target)
  return declaration ? tree.referencesTo(declaration) : []
}

/** Removes constants that only the replaced sums used, such as the base port. */
function removeUnused(file: FileMigration, replaced: readonly Node[]): void {
  const { tree, edits } = file
  const names = tree.nodes.filter(
    (node) => node.type === 'Identifier' && isInside(node, replaced) && tree.declarationOf(node),
  )
  for (const name of names) {
    const declaration = tree.declarationOf(name)
    if (declaration?.type !== 'Variable' || edits.isReplaced(declaration.node)) continue
    const { variableNode } = declaration
    const [declarator, ...more] = variableNode.declarations
    const isPlain = declarator?.id === declaration.node && more.length === 0
    const isLocal = tree.parentOf(variableNode)?.type !== 'ExportNamedDeclaration'
    const isUnused = tree.referencesTo(declaration).every((each) => edits.isReplaced(each))
    if (!isPlain || !isLocal || !isUnused || !declarator.init) continue
    edits.removeStatement(variableNode)
    removeUnused(file, [declarator.init])
  }
}
