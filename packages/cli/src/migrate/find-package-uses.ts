/** Finds where a file loads a package, and where it uses the exports. */
import {
  type Node,
  type NodeOf,
  propertyName,
  type SyntaxTree,
  stringOf,
  unwrapped,
} from './syntax-tree.js'

/** The name of an export, {@link DEFAULT}, or {@link ALL} for the whole module. */
export type ExportName = string
const ALL = '*'
const DEFAULT = 'default'

export interface Use {
  exported: ExportName
  /** The expression for the export, such as `getPort` or `portfinder.getPortPromise`. */
  node: Node
  /** Missing if the export is passed on instead of called. */
  call?: NodeOf<'CallExpression'>
}

export interface Binding {
  /** The part of the import that creates this name. */
  specifier: Node
  isType: boolean
  uses: readonly Use[]
}

export type ImportSite =
  | { form: 'import'; node: NodeOf<'ImportDeclaration'>; bindings: readonly Binding[] }
  | {
      /** `const x = require('…')` or `const x = await import('…')`. */
      form: 'declarator'
      node: NodeOf<'VariableDeclarator'>
      origin: Node
      bindings: readonly Binding[]
    }
  /** `require('…')()`, `(await import('…')).default()` */
  | { form: 'inline'; node: Node; origin: Node; bindings: readonly Binding[] }

export interface PackageUses {
  sites: readonly ImportSite[]
  /** Imports in a form that `migrate` does not follow. */
  unclear: readonly Node[]
  /** A test replaces the package: `vi.mock('get-port')`. */
  isMocked: boolean
}

export function findPackageUses(tree: SyntaxTree, packageName: string): PackageUses {
  const sites: ImportSite[] = []
  const unclear: Node[] = []
  let isMocked = false
  for (const node of tree.nodes) {
    if (node.type === 'ImportDeclaration') {
      if (node.source.value === packageName) sites.push(importSite(tree, node))
    } else if (node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration') {
      if (node.source?.value === packageName) unclear.push(node)
    } else if (node.type === 'TSImportEqualsDeclaration') {
      const { moduleReference: module } = node
      const isExternal = module.type === 'TSExternalModuleReference'
      if (isExternal && module.expression.value === packageName) unclear.push(node)
    } else if (isLoadOf(packageName, node)) {
      const site = loadSite(tree, node)
      if (site) sites.push(site)
      else unclear.push(node)
    } else if (isMockOf(packageName, node)) {
      isMocked = true
    }
  }
  return { sites, unclear, isMocked }
}

function importSite(tree: SyntaxTree, node: NodeOf<'ImportDeclaration'>): ImportSite {
  const bindings = node.specifiers.map((specifier): Binding => {
    const isType =
      node.importKind === 'type' ||
      (specifier.type === 'ImportSpecifier' && specifier.importKind === 'type')
    const uses = tree.referencesOf(specifier.local).map((reference) => {
      return useOf(tree, exportedBy(specifier), reference)
    })
    return { specifier, isType, uses }
  })
  return { form: 'import', node, bindings }
}

function exportedBy(specifier: NodeOf<'ImportDeclaration'>['specifiers'][number]): ExportName {
  if (specifier.type === 'ImportDefaultSpecifier') return DEFAULT
  if (specifier.type === 'ImportNamespaceSpecifier') return ALL
  const { imported } = specifier
  return imported.type === 'Identifier' ? imported.name : imported.value
}

/** `require('…')` or `import('…')` */
function isLoadOf(packageName: string, node: Node): boolean {
  if (node.type === 'ImportExpression') return stringOf(node.source) === packageName
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return false
  return node.callee.name === 'require' && stringOf(node.arguments[0]) === packageName
}

const MOCKS =
  /^(mock|doMock|unmock|doUnmock|unstable_mockModule|setMock|importActual|importMock|requireActual|requireMock)$/

function isMockOf(packageName: string, node: Node): boolean {
  if (node.type !== 'CallExpression') return false
  const [module] = node.arguments
  // vi.mock(import('…')) lets TypeScript check the name.
  const name = module?.type === 'ImportExpression' ? module.source : module
  return (
    stringOf(name) === packageName &&
    node.callee.type === 'MemberExpression' &&
    node.callee.object.type === 'Identifier' &&
    /^(vi|vitest|jest|mock)$/.test(node.callee.object.name) &&
    (MOCKS.test(propertyName(node.callee) ?? '') || propertyName(node.callee) === 'module')
  )
}

function loadSite(tree: SyntaxTree, load: Node): ImportSite | undefined {
  let origin = load
  if (load.type === 'ImportExpression') {
    const parent = tree.parentOf(load)
    if (parent?.type !== 'AwaitExpression') return undefined
    origin = parent
  }
  const { exported, node } = useOf(tree, ALL, origin)
  const parent = tree.parentOf(node)
  if (parent?.type === 'CallExpression' && parent.callee === node) {
    const use = { exported: exported === ALL ? DEFAULT : exported, node, call: parent }
    const bindings = [{ specifier: node, isType: false, uses: [use] }]
    return { form: 'inline', node, origin, bindings }
  }
  if (parent?.type !== 'VariableDeclarator' || parent.init !== node) return undefined
  const bindings = bindingsOf(tree, parent.id, exported)
  return bindings && { form: 'declarator', node: parent, origin, bindings }
}

function bindingsOf(
  tree: SyntaxTree,
  pattern: Node,
  exported: ExportName,
): readonly Binding[] | undefined {
  const bindingOf = (specifier: Node, name: ExportName, local: Node): Binding => ({
    specifier,
    isType: false,
    uses: tree.referencesOf(local).map((reference) => useOf(tree, name, reference)),
  })
  if (pattern.type === 'Identifier') return [bindingOf(pattern, exported, pattern)]
  if (pattern.type !== 'ObjectPattern' || (exported !== ALL && exported !== DEFAULT)) {
    return undefined
  }
  const bindings = pattern.properties.map((property) => {
    const name = propertyName(property)
    return property.type === 'Property' &&
      name !== undefined &&
      property.value.type === 'Identifier'
      ? bindingOf(property, name, property.value)
      : undefined
  })
  return bindings.every((each) => each !== undefined) ? bindings : undefined
}

/** Follows a name to the member of the module and to the call: `portfinder`, `.getPortPromise`, `(…)`. */
function useOf(tree: SyntaxTree, exported: ExportName, start: Node): Use {
  let name = exported
  let node = start
  while (name === ALL || name === DEFAULT) {
    const parent = tree.parentOf(node)
    const member =
      parent?.type === 'MemberExpression' && parent.object === node
        ? propertyName(parent)
        : undefined
    if (parent === undefined || member === undefined) break
    // `getPort.call(…)` is not an export of the package.
    if (/^(call|apply|bind|name|length)$/.test(member)) break
    name = member
    node = parent
  }
  const parent = tree.parentOf(node)
  if (parent?.type === 'CallExpression' && parent.callee === node && !parent.optional) {
    return { exported: name === ALL ? DEFAULT : name, node, call: parent }
  }
  return { exported: name, node: unwrapped(node) }
}
