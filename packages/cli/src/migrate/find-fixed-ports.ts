/** Finds hard-coded ports. They are only listed, because the user may need these numbers. */
import path from 'node:path'
import { constantOf } from './rules/numeric.js'
import {
  type Node,
  numberOf,
  propertyName,
  type SyntaxTree,
  stringOf,
  unwrapped,
} from './syntax-tree.js'

const MIN_PORT = 1024
const MAX_PORT = 65_535
/** A shorter object or array is probably not a table of ports. */
const MIN_TABLE_SIZE = 3

export interface FixedPort {
  node: Node
  advice: 'table' | 'fixedListen' | 'fixedWebServer'
  /** Missing for a table. */
  port?: number
}

export function findFixedPorts(tree: SyntaxTree, file: string): FixedPort[] {
  const found: FixedPort[] = []
  for (const node of tree.nodes) {
    const port = listenPort(tree, node)
    if (port !== undefined) found.push({ node, advice: 'fixedListen', port })
    found.push(...webServerPorts(node))
    if (isTable(tree, node, file) || isCounter(tree, node)) found.push({ node, advice: 'table' })
  }
  return found
}

function listenPort(tree: SyntaxTree, node: Node): number | undefined {
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return undefined
  if (propertyName(node.callee) !== 'listen') return undefined
  const [target] = node.arguments
  if (target?.type === 'ObjectExpression') {
    const port = target.properties.find((each) => propertyName(each) === 'port')
    return port?.type === 'Property' ? portOf(tree, port.value) : undefined
  }
  return target && portOf(tree, target)
}

function portOf(tree: SyntaxTree, node: Node): number | undefined {
  const value = node.type === 'Identifier' ? constantOf(tree, node) : node
  const port = numberOf(value)
  return port !== undefined && port > 0 ? port : undefined
}

function webServerPorts(node: Node): FixedPort[] {
  if (node.type !== 'Property' || propertyName(node) !== 'webServer') return []
  const servers = node.value.type === 'ArrayExpression' ? node.value.elements : [node.value]
  return servers.flatMap((server) => {
    if (server?.type !== 'ObjectExpression') return []
    return server.properties.flatMap((each): FixedPort[] => {
      if (each.type !== 'Property') return []
      const name = propertyName(each)
      const [, inUrl] = /^https?:\/\/[^/:]+:(\d+)/.exec(stringOf(each.value) ?? '') ?? []
      const port = name === 'port' ? numberOf(each.value) : name === 'url' ? Number(inUrl) : 0
      return port ? [{ node: each, advice: 'fixedWebServer', port }] : []
    })
  })
}

/** `let nextPort = 8089`, if the variable is incremented later. */
function isCounter(tree: SyntaxTree, node: Node): boolean {
  if (node.type !== 'VariableDeclarator' || node.id.type !== 'Identifier') return false
  const first = numberOf(node.init)
  if (first === undefined || first < MIN_PORT || first > MAX_PORT) return false
  return (
    /port/i.test(node.id.name) &&
    tree.referencesOf(node.id).some((each) => {
      const parent = tree.parentOf(each)
      return (
        parent?.type === 'UpdateExpression' ||
        (parent?.type === 'AssignmentExpression' && parent.operator === '+=')
      )
    })
  )
}

/** An object or array of numbers, if its name or the name of the file contains "port". */
function isTable(tree: SyntaxTree, node: Node, file: string): boolean {
  if (node.type !== 'ObjectExpression' && node.type !== 'ArrayExpression') return false
  const values =
    node.type === 'ArrayExpression'
      ? node.elements
      : node.properties.map((each) => (each.type === 'Property' ? each.value : each))
  const ports = values.map(numberOf).filter((each) => each !== undefined)
  if (ports.length < MIN_TABLE_SIZE || ports.length < values.length) return false
  if (!ports.every((each) => each >= MIN_PORT && each <= MAX_PORT)) return false
  const parent = [...tree.ancestorsOf(node)].find((each) => unwrapped(each) === each)
  const name =
    parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier' ? parent.id.name : ''
  return /ports?/i.test(name) || /(^|[^a-z])ports?([^a-z]|$)/i.test(path.basename(file))
}
