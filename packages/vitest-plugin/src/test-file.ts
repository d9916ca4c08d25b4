/**
 * Finds out which test, suite or file is running, and cleans up when it ends. Does not load the rest of
 * portslice, so that test files without ports start sooner.
 */
import type { RunnerTestCase, RunnerTestFile, RunnerTestSuite } from 'vitest'
import * as vitest from 'vitest'
import './vitest-types.js'

/**
 * Releases the ports or apps of a test, suite or file.
 *
 * @param isLast whether no code of the test file runs after this call
 * @returns whether everything is released; otherwise the cleanup runs again at the end of the file
 */
export type Cleanup = (isLast: boolean) => Promise<boolean>

/** The test, suite or file that a port or an app belongs to. */
export interface Scope {
  /** `suite > test` */
  readonly name: string
  /** The name within a sentence: `the test "suite > test"`. */
  readonly description: string
  /** Missing for suites and files. */
  readonly test?: RunnerTestCase
  /** Returns the resource with this key; creates it first if needed. `cleanUp` runs when the scope ends. */
  resource<T>(key: string, create: () => T & { cleanUp: Cleanup }): T
}

type SuiteHooks = Record<'afterAll', (() => Promise<void>)[]>
type Resources = Map<string, { cleanUp: Cleanup }>

export interface WatchedFile {
  /** `undefined` while vitest imports the file; set before its first hook. */
  file?: RunnerTestFile
  readonly runningTests: Set<RunnerTestCase>
  /** By test or suite. The resources of the file itself have this object as their key. */
  readonly resources: Map<object, Resources>
  /** Cleanups of ended suites that could not release everything. */
  readonly postponed: Cleanup[]
  getHooks?: ((suite: RunnerTestSuite) => SuiteHooks) | undefined
  /** Called at the end of each test, once ports are used in this file. */
  atTestEnd?: (test: RunnerTestCase) => void
}

/**
 * A property of `globalThis`, because the fixtures and the setup file each have a copy of this module. In vm
 * pools each test file has its own `globalThis`.
 */
const WATCHED_FILE = Symbol.for('@portslice/vitest-plugin watched file')

const host = globalThis as { [WATCHED_FILE]?: WatchedFile }

export function watchedFile(): WatchedFile | undefined {
  return host[WATCHED_FILE]
}

/**
 * Registers hooks in the test file that vitest is importing. Call it before the file registers its own hooks:
 * then these hooks run last.
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
  // vitest reads the parameters of a hook as names of fixtures, so these hooks declare no parameters.
  vitest.beforeAll(async function fileHook() {
    // biome-ignore lint/complexity/noArguments: see above
    watched.file = [...arguments].at(-1) as RunnerTestFile
    watched.getHooks = await loadGetHooks()
    return async () => {
      // Includes tests and suites that ended without their hooks, and ports taken in an `afterAll`.
      const keys = [...watched.resources.keys()].reverse()
      const left = keys.flatMap((key) => takeCleanups(watched, key))
      const cleanups = [...watched.postponed.splice(0), ...left]
      await runAll([
        ...cleanups.map((cleanUp) => () => cleanUp(true)),
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
        await runAll(takeCleanups(watched, task).map((cleanUp) => () => cleanUp(true)))
      } finally {
        watched.atTestEnd?.(task)
        watched.runningTests.delete(task)
      }
    })
  })
}

/**
 * The running test. If several tests or hooks run at once, the caller is unknown: then the suite that contains
 * all of them. If no test runs, the suite whose hook runs, or the file.
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
    resource(name, create) {
      const known = watched.resources.get(key) ?? new Map()
      if (!watched.resources.has(key)) {
        watched.resources.set(key, known)
        if (key !== watched && !names.test) cleanUpAfterSuite(watched, key as RunnerTestSuite)
      }
      if (!known.has(name)) known.set(name, create())
      return known.get(name)
    },
  }
}

/** Cleans up after the hooks of the suite or, if vitest does not expose its hooks, at the end of the file. */
function cleanUpAfterSuite(watched: WatchedFile, suite: RunnerTestSuite): void {
  const hooks = watched.getHooks?.(suite).afterAll
  const afterAll = async () => {
    for (const cleanUp of takeCleanups(watched, suite)) {
      if (!(await cleanUp(false))) watched.postponed.push(cleanUp)
    }
  }
  if (!hooks) {
    watched.postponed.push(async () => {
      await runAll(takeCleanups(watched, suite).map((cleanUp) => () => cleanUp(true)))
      return true
    })
  } else if (vitest.inject('portslice')?.hooks === 'list') hooks.push(afterAll)
  else hooks.unshift(afterAll) // vitest runs the last one first.
}

/** The last resource comes first, because it may use earlier ones. */
function takeCleanups(watched: WatchedFile, key: object): Cleanup[] {
  const resources = [...(watched.resources.get(key)?.values() ?? [])]
  watched.resources.delete(key)
  return resources.map(({ cleanUp }) => cleanUp).reverse()
}

/** Runs all of them, then throws the first error. */
async function runAll(tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const task of tasks) await task().catch((error) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

/** The innermost running suite; if several run at once, the suite around them. */
function runningSuite(suite: RunnerTestSuite): RunnerTestSuite {
  const running = suite.tasks.filter(
    (task) => task.type === 'suite' && task.result?.state === 'run',
  ) as RunnerTestSuite[]
  return running.length === 1 ? runningSuite(running[0] as RunnerTestSuite) : suite
}

/**
 * Combines two sources: `runningTests` lacks a test while vitest sets up its automatic fixtures, and `result`
 * says "passed" before the hooks of a test have ended.
 */
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

/** From vitest 4.1 on, `TestRunner` returns the hooks of a suite; before that, `vitest/suite`. */
async function loadGetHooks(): Promise<WatchedFile['getHooks']> {
  const { TestRunner } = vitest as { TestRunner?: { getSuiteHooks?: unknown } }
  if (TestRunner?.getSuiteHooks) return TestRunner.getSuiteHooks as WatchedFile['getHooks']
  // Joined at run time, because bundlers inline constants, and vite fails on a literal that vitest 5 lacks.
  const before41 = ['vitest', 'suite'].join('/')
  const suiteModule = await import(/* @vite-ignore */ before41).catch(() => undefined)
  return suiteModule?.getHooks
}
