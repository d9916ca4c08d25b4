/** Does not load the rest of portslice: test files that take no port start sooner. */

import type { RunnerTestCase, RunnerTestFile, RunnerTestSuite } from 'vitest'
import * as vitest from 'vitest'
import './vitest-types.js'

/**
 * Gives back what a test, suite or file has taken. Called again at the end of the file unless everything is
 * given back.
 *
 * @param isLast whether nothing of the test file runs after this call
 */
export type Ending = (isLast: boolean) => Promise<boolean>

export interface Scope {
  /** Such as `suite > test`. */
  readonly name: string
  /** In a sentence, such as `the test "suite > test"`. */
  readonly description: string
  /** Its leaks are noted here. */
  readonly test?: RunnerTestCase
  /** Registered under this key for the end of this test, suite or file. */
  resource<T>(key: string, make: () => T & { end: Ending }): T
}

type SuiteHooks = Record<'afterAll', (() => Promise<void>)[]>
type Resources = Map<string, { end: Ending }>

export interface WatchedFile {
  /** Known when its hooks run; not while it is imported. */
  file?: RunnerTestFile
  readonly runningTests: Set<RunnerTestCase>
  /** By test or suite. Those of the whole file, which is not known while it is imported, by this object. */
  readonly resources: Map<object, Resources>
  /** What suites have not given back when they ended. */
  readonly postponed: Ending[]
  getHooks?: ((suite: RunnerTestSuite) => SuiteHooks) | undefined
  /** Called at the end of each test, once ports are used in this file. */
  atTestEnd?: (test: RunnerTestCase) => void
}

/**
 * On `globalThis`, of which each test file in a vm pool has its own. The fixtures and the setup file each
 * have a copy of this module.
 */
const WATCHED_FILE = Symbol.for('@portslice/vitest-plugin watched file')

const host = globalThis as { [WATCHED_FILE]?: WatchedFile }

export function watchedFile(): WatchedFile | undefined {
  return host[WATCHED_FILE]
}

/**
 * Registers hooks in the test file that is being imported. Call it before the file registers its own, so that
 * these run after them.
 */
export function watchTestFile(
  atEnd: (watched: WatchedFile) => Promise<void> = async () => {},
): void {
  const watched: WatchedFile = {
    runningTests: new Set(),
    resources: new Map(),
    postponed: [],
  }
  host[WATCHED_FILE] = watched
  // vitest looks at the parameters of hooks for fixtures, so these hooks declare none.
  vitest.beforeAll(async function fileHook() {
    // biome-ignore lint/complexity/noArguments: see above
    watched.file = [...arguments].at(-1) as RunnerTestFile
    watched.getHooks = await loadGetHooks()
    return async () => {
      // Also what a test or suite took that ended without its hooks, or took in its `afterAll`.
      const keys = [...watched.resources.keys()].reverse()
      const left = keys.flatMap((key) => takeEndings(watched, key))
      const endings = [...watched.postponed.splice(0), ...left]
      await runAll([
        ...endings.map((end) => () => end(true)),
        () => atEnd(watched),
        async () => {
          if (host[WATCHED_FILE] === watched) delete host[WATCHED_FILE]
        },
      ])
    }
  })
  vitest.beforeEach(function testHook() {
    // biome-ignore lint/complexity/noArguments: see above
    const { task, onTestFinished } = arguments[0] as vitest.TestContext
    watched.runningTests.add(task)
    onTestFinished(async () => {
      try {
        await runAll(takeEndings(watched, task).map((end) => () => end(true)))
      } finally {
        watched.atTestEnd?.(task)
        watched.runningTests.delete(task)
      }
    })
  })
}

/**
 * The test that runs; if several tests or hooks run at once, the suite that has all of them, as the caller is
 * unknown; without a test, the suite whose hook runs, or the file.
 */
export function currentScope(): Scope | undefined {
  const watched = watchedFile()
  if (!watched) return undefined
  const { file } = watched
  if (!file) {
    return scopeOf(watched, watched, { name: 'the test file', description: 'the test file' })
  }
  const { tests, suites } = runningTasks(watched, file)
  const [test] = tests
  if (test && tests.length === 1 && suites.length === 0) {
    const name = fullName(test)
    return scopeOf(watched, test, { name, description: `the test "${name}"`, test })
  }
  const suite = test
    ? commonSuite([...tests.map(({ suite }) => suite), ...suites], file)
    : runningSuite(file)
  const hook = hookOf(suite)
  if (suite === file) {
    const name = hook ? `${hook} of the file` : 'the test file'
    return scopeOf(watched, watched, { name, description: name })
  }
  const name = hook ? `${fullName(suite)} > ${hook}` : fullName(suite)
  const description = hook
    ? `${hook} of the suite "${fullName(suite)}"`
    : `the suite "${fullName(suite)}"`
  return scopeOf(watched, suite, { name, description })
}

export function fullName(task: RunnerTestCase | RunnerTestSuite): string {
  const names = [task.name]
  for (let suite = task.suite; suite; suite = suite.suite) names.unshift(suite.name)
  return names.filter(Boolean).join(' > ')
}

function scopeOf(
  watched: WatchedFile,
  key: object,
  names: Pick<Scope, 'name' | 'description' | 'test'>,
): Scope {
  return {
    ...names,
    resource(name, make) {
      const known = watched.resources.get(key) ?? new Map()
      if (!watched.resources.has(key)) {
        watched.resources.set(key, known)
        if (key !== watched && !names.test) endWithSuite(watched, key as RunnerTestSuite)
      }
      if (!known.has(name)) known.set(name, make())
      return known.get(name)
    },
  }
}

/** After the hooks of the suite; without access to them, at the end of the file. */
function endWithSuite(watched: WatchedFile, suite: RunnerTestSuite): void {
  const hooks = watched.getHooks?.(suite).afterAll
  const end = async () => {
    for (const ending of takeEndings(watched, suite)) {
      if (!(await ending(false))) watched.postponed.push(ending)
    }
  }
  if (!hooks) {
    watched.postponed.push(async () => {
      await runAll(takeEndings(watched, suite).map((ending) => () => ending(true)))
      return true
    })
  } else if (vitest.inject('portslice')?.hooks === 'list') hooks.push(end)
  else hooks.unshift(end) // They run from the last to the first.
}

/** The last first: what was started later may use earlier ones. */
function takeEndings(watched: WatchedFile, key: object): Ending[] {
  const resources = [...(watched.resources.get(key)?.values() ?? [])]
  watched.resources.delete(key)
  return resources.map(({ end }) => end).reverse()
}

/** Runs all of them, then throws the first error. */
async function runAll(tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const task of tasks) await task().catch((error) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

/** The innermost suite that runs; of several at a time, the one around them. */
function runningSuite(suite: RunnerTestSuite): RunnerTestSuite {
  const running = suite.tasks.filter(
    (task) => task.type === 'suite' && task.result?.state === 'run',
  ) as RunnerTestSuite[]
  return running.length === 1 ? runningSuite(running[0] as RunnerTestSuite) : suite
}

/** A test is unknown while its automatic fixtures are set up, and "passed" before its hooks have ended. */
function runningTasks(watched: WatchedFile, file: RunnerTestFile) {
  const tests = new Set(watched.runningTests)
  const suites: RunnerTestSuite[] = []
  const visit = (suite: RunnerTestSuite) => {
    if (hookOf(suite)) suites.push(suite)
    for (const task of suite.tasks) {
      if (task.result?.state !== 'run') continue
      if (task.type === 'suite') visit(task)
      else tests.add(task)
    }
  }
  visit(file)
  return { tests: [...tests], suites }
}

function commonSuite(
  suites: readonly (RunnerTestSuite | undefined)[],
  file: RunnerTestFile,
): RunnerTestSuite {
  const [first = [], ...others] = suites.map(withSuitesAround)
  return first.findLast((suite) => others.every((each) => each.includes(suite))) ?? file
}

/** The outermost first. */
function withSuitesAround(innermost: RunnerTestSuite | undefined): RunnerTestSuite[] {
  const suites: RunnerTestSuite[] = []
  for (let suite = innermost; suite; suite = suite.suite) suites.unshift(suite)
  return suites
}

function hookOf(suite: RunnerTestSuite): string | undefined {
  const hooks = Object.entries(suite.result?.hooks ?? {})
  return hooks.find(([, state]) => state === 'run')?.[0]
}

/** `TestRunner` has the hooks of suites from vitest 4.1 on; before that, `vitest/suite`. */
async function loadGetHooks(): Promise<WatchedFile['getHooks']> {
  const { TestRunner } = vitest as { TestRunner?: { getSuiteHooks?: unknown } }
  if (TestRunner?.getSuiteHooks) return TestRunner.getSuiteHooks as WatchedFile['getHooks']
  // Not a literal, nor a constant, which bundlers make one: vite refuses to resolve what vitest 5 does
  // not export.
  const before41 = ['vitest', 'suite'].join('/')
  const suiteModule = await import(/* @vite-ignore */ before41).catch(() => undefined)
  return suiteModule?.getHooks
}
