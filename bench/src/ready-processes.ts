import { ProcessGroup } from 'portslice-test/support/process-group'

/** Starts a script of `processes/` for each plan, and waits until all of them are ready. */
export async function startReady(
  script: string,
  plans: readonly object[],
  options: { lockDirectory: string; flags?: readonly string[] },
): Promise<ProcessGroup> {
  const group = new ProcessGroup(new URL('processes/', import.meta.url))
  try {
    await Promise.all(plans.map((plan) => group.start(script, plan, options).hear()))
    return group
  } catch (error) {
    await group[Symbol.asyncDispose]()
    throw error
  }
}
