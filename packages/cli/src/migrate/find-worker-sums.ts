/** Finds ports that are calculated from the number of a worker. */
import { constantOf, isConversion } from './rules/numeric.js'
import {
  type Node,
  numberOf,
  propertyName,
  type SyntaxTree,
  stringOf,
  unwrapped,
} from './syntax-tree.js'

const VARIABLE_NAMES =
  'VITEST_POOL_ID|VITEST_WORKER_ID|JEST_WORKER_ID|TEST_PARALLEL_INDEX|TEST_WORKER_INDEX'
const PROPERTY_NAMES = 'workerIndex|parallelIndex'
const VARIABLE = new RegExp(`^(${VARIABLE_NAMES})$`)
const PROPERTY = new RegExp(`^(${PROPERTY_NAMES})$`)
/** Finds the number of a worker in code that is not parsed yet. */
export const WORKER_NUMBER = new RegExp(`${VARIABLE_NAMES}|${PROPERTY_NAMES}`)

const MIN_PORT = 1024
const MAX_PORT = 65_535
/** How deeply nested expressions and constants are evaluated. */
const MAX_DEPTH = 10

/** A calculation with the number of a worker, such as `4000 + Number(process.env.VITEST_POOL_ID)`. */
export interface WorkerSum {
  /** The whole expression. */
  node: Node
  /** The number that is added, such as 4000; missing if it is unknown. */
  base?: number
}

/** @returns the calculations whose target is named like a port and whose base can be a port */
export function findWorkerSums(tree: SyntaxTree): WorkerSum[] {
  const sums = new Map<Node, WorkerSum>()
  const queue: Node[] = tree.nodes.filter((node) => isWorkerNumber(tree, node))
  const seen = new Set<Node>(queue)
  for (let start = queue.shift(); start; start = queue.shift()) {
    const node = wholeSum(tree, start)
    const value = evaluate(tree, node)
    if (value.isWorkerNumber) {
      // `const worker = Number(process.env.…)`: the sum is where the constant is used.
      const parent = tree.parentOf(node)
      if (parent?.type !== 'VariableDeclarator') continue
      for (const reference of tree.referencesOf(parent.id)) {
        if (seen.has(reference) || constantOf(tree, reference) === undefined) continue
        seen.add(reference)
        queue.push(reference)
      }
      continue
    }
    const target = targetOf(tree, node)
    const isPortName = target !== undefined && /port/i.test(target)
    const { base } = value
    if (!isPortName || (base !== undefined && (base < MIN_PORT || base > MAX_PORT))) continue
    sums.set(node, { node, ...(base !== undefined && { base }) })
  }
  return [...sums.values()]
}

function isWorkerNumber(tree: SyntaxTree, node: Node): boolean {
  if (node.type === 'MemberExpression') {
    const name = propertyName(node) ?? ''
    if (PROPERTY.test(name)) return true
    return VARIABLE.test(name) && /^(process|import\.meta)\.env$/.test(tree.textOf(node.object))
  }
  // const { JEST_WORKER_ID } = process.env
  if (node.type !== 'Identifier') return false
  const declaration = tree.declarationOf(node)
  if (declaration?.type !== 'Variable') return false
  const property = tree.parentOf(declaration.node)
  if (property?.type !== 'Property') return false
  const pattern = tree.parentOf(property)
  const declarator = pattern && tree.parentOf(pattern)
  return (
    VARIABLE.test(propertyName(property) ?? '') &&
    declarator?.type === 'VariableDeclarator' &&
    declarator.init !== null &&
    tree.textOf(declarator.init) === 'process.env'
  )
}

/** The largest arithmetic expression around a node. */
function wholeSum(tree: SyntaxTree, start: Node): Node {
  let node = start
  for (;;) {
    const parent = tree.parentOf(node)
    if (!parent || !isArithmetic(parent, node)) return node
    // In a string such as a URL, only the port is replaced.
    if (parent.type === 'TemplateLiteral' && evaluate(tree, node).base !== undefined) return node
    node = parent
  }
}

function isArithmetic(parent: Node, child: Node): boolean {
  switch (parent.type) {
    case 'BinaryExpression':
      return ['+', '-', '*', '%'].includes(parent.operator)
    case 'UnaryExpression':
      return parent.operator === '+'
    case 'LogicalExpression':
      return parent.operator !== '&&'
    case 'CallExpression':
      return isConversion(parent.callee) && parent.arguments[0] === child
    case 'TemplateLiteral':
      return true
    default:
      return unwrapped(parent) !== parent
  }
}

/** What is known about the value of an expression. Both are missing if the value is unknown. */
interface Value {
  /** Whether it is only the number of a worker, possibly multiplied or plus one. */
  isWorkerNumber?: boolean
  /** A constant, or the constant in a sum with the number of a worker. */
  base?: number
}

function evaluate(tree: SyntaxTree, expression: Node, depth = 0): Value {
  const node = unwrapped(expression)
  if (depth > MAX_DEPTH) return {}
  if (isWorkerNumber(tree, node)) return { isWorkerNumber: true }
  const number = numberOf(node)
  if (number !== undefined) return { base: number }
  switch (node.type) {
    case 'UnaryExpression':
      return node.operator === '+' ? evaluate(tree, node.argument, depth + 1) : {}
    case 'LogicalExpression': {
      // A default, as in `process.env.JEST_WORKER_ID ?? 1`.
      const value = evaluate(tree, node.left, depth + 1)
      const isDefault = numberOf(node.right) !== undefined || stringOf(node.right) !== undefined
      return value.isWorkerNumber && isDefault ? value : {}
    }
    case 'CallExpression': {
      const argument = node.arguments[0]
      return isConversion(node.callee) && argument ? evaluate(tree, argument, depth + 1) : {}
    }
    case 'Identifier': {
      const initial = constantOf(tree, node)
      return initial ? evaluate(tree, initial, depth + 1) : {}
    }
    case 'BinaryExpression':
      return combine(
        node.operator,
        evaluate(tree, node.left, depth + 1),
        evaluate(tree, node.right, depth + 1),
      )
    default:
      return {}
  }
}

function combine(operator: string, left: Value, right: Value): Value {
  const worker = left.isWorkerNumber || right.isWorkerNumber
  const numbers = [left.base, right.base].filter((each) => each !== undefined)
  const isKnown = [left, right].every((each) => each.isWorkerNumber || each.base !== undefined)
  if (!isKnown) return {}
  const [first = 0, second = 0] = numbers
  if (!worker) {
    return {
      base: operator === '*' ? first * second : operator === '-' ? first - second : first + second,
    }
  }
  const isScaled = operator === '*' || operator === '%'
  // `worker - 1` and `worker + 1` are still worker numbers.
  if (isScaled || numbers.every((each) => each < MIN_PORT)) {
    return numbers.length === 1 || isScaled ? { isWorkerNumber: true } : {}
  }
  return { base: Math.max(first, second) }
}

/** What gets the value: the name of a variable, property or function, or an argument of listen(). */
function targetOf(tree: SyntaxTree, node: Node): string | undefined {
  const parent = tree.parentOf(node)
  switch (parent?.type) {
    case 'VariableDeclarator':
      return parent.id.type === 'Identifier' ? parent.id.name : undefined
    case 'AssignmentExpression':
      if (parent.operator !== '=') return undefined
      if (parent.left.type === 'Identifier') return parent.left.name
      return propertyName(parent.left)
    case 'Property':
      return propertyName(parent)
    case 'TemplateLiteral':
      return 'port in a string'
    case 'CallExpression': {
      if (parent.callee.type === 'Identifier' && parent.callee.name === 'String') {
        return targetOf(tree, parent)
      }
      const isListen =
        parent.callee.type === 'MemberExpression' && propertyName(parent.callee) === 'listen'
      return isListen && parent.arguments[0] === node ? 'port of listen()' : undefined
    }
    case 'ReturnStatement':
    case 'ArrowFunctionExpression':
      return nameOfFunction(tree, node)
    default:
      return undefined
  }
}

function nameOfFunction(tree: SyntaxTree, node: Node): string | undefined {
  for (const around of tree.ancestorsOf(node)) {
    if (around.type === 'FunctionDeclaration') return around.id?.name
    if (around.type === 'ArrowFunctionExpression' || around.type === 'FunctionExpression') {
      const parent = tree.parentOf(around)
      return parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier'
        ? parent.id.name
        : undefined
    }
  }
  return undefined
}
