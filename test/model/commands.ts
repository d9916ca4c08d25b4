import fc from 'fast-check'
import type { Model, ModelProcess } from './model.ts'
import { DIRECTORIES, type Directory, RANGE, type Simulation } from './simulation.ts'

const MOST_PROCESSES = 8

type Command = fc.AsyncCommand<Model, Simulation>

/** A step. `candidates` are what it can be done to; one of them is chosen by the number `choice`. */
function command<T>(
  name: string,
  candidates: (model: Readonly<Model>) => readonly T[],
  run: (simulation: Simulation, chosen: T) => unknown,
  choice = 0,
): Command {
  return {
    check: (model) => candidates(model).length > 0,
    async run(model, simulation) {
      const all = candidates(model)
      await run(simulation, all[choice % all.length] as T)
    },
    toString: () => name,
  }
}

const choice = fc.nat({ max: 999 })

/** A step of one of the processes that `candidates` gives. */
function byProcess(
  name: string,
  candidates: (model: Readonly<Model>) => readonly ModelProcess[],
  run: (simulation: Simulation, process: ModelProcess) => unknown,
): fc.Arbitrary<Command> {
  return choice.map((chosen) => command(name, candidates, run, chosen))
}

/** A step with one of the ports of a ready process. */
function byPort(
  name: string,
  portsOf: (model: Readonly<Model>, process: ModelProcess) => readonly number[],
  run: (simulation: Simulation, process: ModelProcess, port: number) => unknown,
): fc.Arbitrary<Command> {
  // All processes are equally likely, with any number of ports.
  return fc.tuple(choice, choice).map(([who, which]) =>
    command(
      name,
      (model) => model.ready.filter((process) => portsOf(model, process).length > 0),
      (simulation, process) => {
        const ports = portsOf(simulation.model, process)
        return run(simulation, process, ports[which % ports.length] as number)
      },
      who,
    ),
  )
}

const ready = (model: Readonly<Model>) => model.ready
const once = (model: Readonly<Model>) => [model]

/** The steps, and how often each comes. */
const STEPS: readonly { weight: number; arbitrary: fc.Arbitrary<Command> }[] = [
  {
    weight: 50,
    arbitrary: fc
      .record({
        // Mostly one directory, so that most processes know of each other's dead.
        directory: fc.oneof(
          { weight: 4, arbitrary: fc.constant<Directory>('one') },
          { weight: 1, arbitrary: fc.constant<Directory>('two') },
        ),
        workerId: fc.integer({ min: 1, max: 4 }),
        order: fc.constantFrom('sequential' as const, 'random' as const),
        timeWaitGuard: fc.constantFrom('always' as const, 'never' as const),
      })
      .map(({ directory, ...options }) =>
        command(
          'start',
          (model) => (model.processes.length < MOST_PROCESSES ? [model] : []),
          (simulation) => simulation.start(directory, options),
        ),
      ),
  },
  {
    weight: 300,
    arbitrary: fc
      .tuple(choice, fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined, freq: 4 }))
      .map(([who, key]) => command('take', ready, (sim, process) => sim.take(process, key), who)),
  },
  {
    // All that can take a port at the same moment.
    weight: 40,
    arbitrary: fc.constant(
      command('burst', once, (simulation, { ready: all }) =>
        Promise.all(all.map((process) => simulation.take(process, undefined))),
      ),
    ),
  },
  {
    weight: 220,
    arbitrary: byPort(
      'release',
      (model, { name }) => model.portsOf(name),
      (simulation, process, port) => simulation.release(process, port),
    ),
  },
  {
    weight: 100,
    arbitrary: byPort(
      'bind',
      (model, { name }) => model.portsOf(name).filter((port) => !model.isBound(port)),
      (simulation, process, port) => simulation.bind(process, port),
    ),
  },
  {
    weight: 80,
    arbitrary: byPort(
      'unbind',
      (model, { name }) => [
        ...model.portsOf(name).filter((port) => model.isBound(port)),
        ...model.leakedBy(name),
      ],
      (simulation, process, port) => simulation.unbind(process, port),
    ),
  },
  {
    weight: 20,
    arbitrary: byProcess(
      'crash',
      (model) => model.processes,
      (simulation, process) => simulation.crash(process),
    ),
  },
  { weight: 10, arbitrary: byProcess('exit', ready, (sim, process) => sim.exit(process)) },
  { weight: 15, arbitrary: byProcess('close', ready, (sim, process) => sim.close(process)) },
  { weight: 20, arbitrary: byProcess('stop', ready, (sim, process) => sim.stop(process)) },
  {
    weight: 40,
    arbitrary: byProcess(
      'wake',
      (model) => model.stopped,
      (simulation, process) => simulation.wake(process),
    ),
  },
  {
    weight: 7,
    // The last is longer than a lock stays fresh.
    arbitrary: fc
      .tuple(choice, fc.constantFrom(500, 2000, 12_000))
      .map(([who, ms]) => command('block', ready, (sim, process) => sim.block(process, ms), who)),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(...DIRECTORIES)
      .map((directory) => command('delete', once, (sim) => sim.deleteDirectory(directory))),
  },
  {
    weight: 20,
    arbitrary: fc.integer({ min: RANGE[0], max: RANGE[1] }).map((port) =>
      command(
        'foreign bind',
        (model) => (model.isUntouched(port) ? [port] : []),
        (simulation) => simulation.foreignProgramBinds(port),
      ),
    ),
  },
  {
    weight: 20,
    arbitrary: choice.map((which) =>
      command(
        'foreign close',
        (model) => model.foreignPorts,
        (simulation, port) => simulation.foreignProgramCloses(port),
        which,
      ),
    ),
  },
]

/** @param replayPath of a shrunk schedule to run again */
export function schedules(maxCommands: number, replayPath?: string) {
  return fc.commands([fc.oneof(...STEPS)], {
    maxCommands,
    size: 'max',
    ...(replayPath && { replayPath }),
  })
}
