import type { TestInfo } from '@playwright/test'
import type { App } from '@portslice/app-server'

export type RunningApps = Map<string, App>

/** In characters. */
const MAX_CRASH_OUTPUT = 20_000

/** Restarts apps that have ended since the last test. */
export async function restartCrashedApps(apps: RunningApps, testInfo: TestInfo): Promise<void> {
  for (const [name, app] of apps) {
    if (await app.isRunning()) continue
    const title = `The app ${name}`.trim()
    await attach(testInfo, `last output of the app ${name}`, app.output().slice(-MAX_CRASH_OUTPUT))
    await app.restart()
    testInfo.annotations.push({
      type: 'portslice',
      description: `${title} had ended before this test, and was started again on port ${app.port}.`,
    })
  }
}

/** @returns a function that attaches what the apps print from now on to the report of a failed test */
export function recordOutput(apps: RunningApps, testInfo: TestInfo): () => Promise<void> {
  const printedBefore = new Map([...apps.values()].map((app) => [app, app.printed]))
  return async () => {
    if (testInfo.status === testInfo.expectedStatus) return
    for (const [name, app] of apps) {
      // An app that this test has started has no earlier position: attach all its output.
      const output = app.output(printedBefore.get(app) ?? 0)
      if (output !== '') await attach(testInfo, `output of the app ${name}`, output)
    }
  }
}

async function attach(testInfo: TestInfo, name: string, body: string): Promise<void> {
  await testInfo.attach(name.trim(), { body, contentType: 'text/plain' })
}
