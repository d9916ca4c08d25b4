/**
 * Which way imports may go, for dependency-cruiser: `pnpm run lint` checks it. Imports of types
 * count as much as others. CONTRIBUTING.md has the picture.
 */
const { readdirSync, readFileSync } = require('node:fs')
const path = require('node:path')

const PACKAGES = path.join(__dirname, 'packages')

/** The layers of core, lowest first: each imports only itself and those below. */
const LAYERS = [
  'errors.ts process-state.ts',
  'slice/layout.ts',
  'platform/',
  'wait/',
  'options/ probe/',
  'slice/(?!layout)',
  'claim/',
  'coordinator/',
  'allocator/',
  'api/',
  'internal/(?!inspect|errors)',
  'index.ts internal.ts internal/errors.ts internal/inspect.ts net.ts coordinator.ts',
]

/** The layers of packages, lowest first. */
const PACKAGE_LAYERS = [
  'core',
  'process-tree pages postgres redis',
  'app-server',
  'vitest-plugin playwright-fixture cli',
]

/** Tests and their helpers, which are not published. */
const TESTS = '[.](test|test-support)[.]ts$'
/** Directories that use the packages as users do. No published package imports them. */
const USERS = '^(test|bench|demo|docs|examples|scripts|build)/'

/** `$1` in a rule stands for what its `from` has matched. */
const oneOf = (names) => `(?:${names.split(' ').join('|').replaceAll('.', '[.]')})`

/** The sources behind what `exports` and `bin` name. */
const ENTRIES = readdirSync(PACKAGES).flatMap((name) => {
  const manifest = readFileSync(path.join(PACKAGES, name, 'package.json'), 'utf8')
  const { exports } = JSON.parse(manifest)
  return Object.values(exports)
    .map((target) => target.import?.types ?? target)
    .filter((file) => typeof file === 'string')
    .map(
      (file) =>
        `packages/${name}/${file.replace('./', '').replace('dist/', 'src/').replace('.d.ts', '.ts')}`,
    )
})

function upwards(name, folder, layers) {
  return layers.slice(0, -1).map((layer, i) => ({
    name,
    severity: 'error',
    comment: 'A layer imports only itself and lower layers: see LAYERS in .dependency-cruiser.cjs.',
    from: { path: `^${folder}${oneOf(layer)}`, pathNot: TESTS },
    to: { path: `^${folder}${oneOf(layers.slice(i + 1).join(' '))}` },
  }))
}

module.exports = {
  forbidden: [
    ...upwards('upwards-in-core', 'packages/core/src/', LAYERS),
    ...upwards(
      'upwards-among-packages',
      'packages/',
      PACKAGE_LAYERS.map((names) => names.replaceAll(/\S+/g, '$&/')),
    ),
    {
      name: 'not-an-entry',
      severity: 'error',
      comment: 'Only what the `exports` of another package name can be imported.',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', `^${oneOf(ENTRIES.join(' '))}$`] },
    },
    {
      name: 'not-an-entry-for-users',
      severity: 'error',
      comment: 'Tests, demos and examples use the packages as users do.',
      from: { path: USERS },
      to: { path: '^packages/', pathNot: `^${oneOf(ENTRIES.join(' '))}$` },
    },
    {
      name: 'side-by-side',
      severity: 'error',
      comment: 'The packages for runners and the command do not import each other.',
      from: { path: `^packages/(${oneOf(PACKAGE_LAYERS.at(-1))})/` },
      to: { path: `^packages/${oneOf(PACKAGE_LAYERS.at(-1))}/`, pathNot: '^packages/$1/' },
    },
    {
      name: 'no-test-helpers-in-packages',
      severity: 'error',
      comment: 'No published package imports test helpers.',
      from: { path: '^packages/[^/]+/src/', pathNot: TESTS },
      to: { path: [USERS, TESTS] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Files that import each other cannot be understood or moved alone.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'not-found',
      severity: 'error',
      comment: 'An import that cannot be resolved cannot be checked.',
      from: { pathNot: '^(examples|demo/suite)/' },
      to: { couldNotResolve: true, dependencyTypesNot: ['core'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsConfig: { fileName: 'scripts/tsconfig.dependency-cruiser.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['node', 'import', 'types', 'default'],
      exportsFields: ['exports'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
