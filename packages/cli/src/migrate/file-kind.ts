/** What runs a file, and what it may contain. */
import path from 'node:path'
import type { ProjectInfo } from './project.js'
import type { SyntaxTree } from './syntax-tree.js'

export interface FileKind {
  /** A config is read again by each worker. */
  role: 'test' | 'config' | 'other'
  /** Where takePort comes from. */
  takePortModule: '@portslice/vitest-plugin/test' | '@portslice/core'
  /** How it brings in modules. */
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
  // With its option `globals`, nothing of vitest is imported.
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

/** Whether it runs as an ES module, not as the CommonJS that a tool makes of it. */
function isModule(file: string, { isModule, dependencies, scripts }: ProjectInfo): boolean {
  const extension = path.extname(file)
  if (/^\.m/.test(extension)) return true
  if (/^\.c/.test(extension) || !isModule) return false
  // Jest makes CommonJS of everything, unless it is told not to.
  return !dependencies.has('jest') || scripts.some((each) => /experimental-vm-modules/.test(each))
}

/** Then vitest runs it, and loads everything as ES modules. */
function readsVitestWorker({ code }: SyntaxTree): boolean {
  return /\bVITEST_(POOL|WORKER)_ID\b/.test(code)
}
