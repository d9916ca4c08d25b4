/** Finds out which tool runs a file, and which syntax the file may use. */
import path from 'node:path'
import type { ProjectInfo } from './project.js'
import type { SyntaxTree } from './syntax-tree.js'

export interface FileKind {
  /** Each worker reads a config again. */
  role: 'test' | 'config' | 'other'
  /** The module to import takePort from. */
  takePortModule: '@portslice/vitest-plugin/test' | '@portslice/core'
  /** How the file loads modules. */
  style: 'import' | 'require'
  allowsTopLevelAwait: boolean
}

const TEST_NAME = /\.(test|spec|e2e|cy)\.[cm]?[jt]sx?$|[\\/]__tests__[\\/]/
const CONFIG_NAME = /(^|[\\/])(playwright|vitest|vite|jest)[\w.-]*\.(config|workspace)\.[cm]?[jt]s$/
const TEST_MODULES =
  /^(vitest|node:test|mocha|ava|@jest\/globals|@playwright\/test|@portslice\/(vitest-plugin\/test|playwright-fixture))$/

export function fileKind(tree: SyntaxTree, file: string, project: ProjectInfo): FileKind {
  const imported = importedModules(tree)
  const style = styleOf(tree, file, project)
  const isConfig = CONFIG_NAME.test(file)
  const runner = isConfig ? undefined : runnerOf(imported, file, project)
  const isVitest = runner === 'vitest' && style === 'import'
  return {
    role: isConfig ? 'config' : runner !== undefined || TEST_NAME.test(file) ? 'test' : 'other',
    takePortModule: isVitest ? '@portslice/vitest-plugin/test' : '@portslice/core',
    style,
    allowsTopLevelAwait:
      style === 'import' && (isVitest || isModule(file, project) || readsVitestWorker(tree)),
  }
}

function importedModules(tree: SyntaxTree): string[] {
  return tree.nodes.flatMap((node) =>
    node.type === 'ImportDeclaration' && node.importKind !== 'type' ? [node.source.value] : [],
  )
}

function runnerOf(imported: string[], file: string, project: ProjectInfo): string | undefined {
  const named = imported.find((name) => TEST_MODULES.test(name))
  if (named !== undefined) return named === '@portslice/vitest-plugin/test' ? 'vitest' : named
  if (!TEST_NAME.test(file)) return undefined
  // With vitest's option `globals`, a test file imports nothing from vitest.
  const { dependencies } = project
  return dependencies.has('vitest') && !dependencies.has('jest') ? 'vitest' : undefined
}

function styleOf(tree: SyntaxTree, file: string, project: ProjectInfo): FileKind['style'] {
  const isEsm = tree.program.body.some(({ type }) => /^(Import|Export)/.test(type))
  if (isEsm) return 'import'
  if (/\.m[jt]s$/.test(file)) return 'import'
  if (/\.c[jt]s$/.test(file)) return 'require'
  const isCommonJs = /\brequire\s*\(|\bmodule\.exports\b|\bexports\./.test(tree.code)
  return isCommonJs || !project.isModule ? 'require' : 'import'
}

/** Whether the file runs as an ES module. Some tools convert ES modules to CommonJS. */
function isModule(file: string, { isModule, dependencies, scripts }: ProjectInfo): boolean {
  const extension = path.extname(file)
  if (/^\.m/.test(extension)) return true
  if (/^\.c/.test(extension) || !isModule) return false
  // Jest converts every file to CommonJS, unless this option is set.
  return !dependencies.has('jest') || scripts.some((each) => /experimental-vm-modules/.test(each))
}

/** If so, vitest runs the file, and vitest loads all files as ES modules. */
function readsVitestWorker({ code }: SyntaxTree): boolean {
  return /\bVITEST_(POOL|WORKER)_ID\b/.test(code)
}
