import type { App } from '@portslice/app-server'
import { invalidOption } from '@portslice/core/internal/errors'

const UNSET = Symbol('unset')

/** The value of `app` or `apps` if the option is not set. Throws when a test uses it. */
export function unsetApp(option: 'app' | 'apps'): unknown {
  const example =
    option === 'app' ? "{ command: 'node server.js' }" : "{ web: { command: 'node web.js' } }"
  return new Proxy(
    { [UNSET]: true },
    {
      get(target, key) {
        if (typeof key === 'symbol') return Reflect.get(target, key)
        if (key === 'then') return undefined // `await` checks for a promise.
        throw invalidOption(
          `There is no \`${option}\`: the config does not set it.`,
          undefined,
          `Set it in the Playwright config, for example \`use: { ${option}: ${example} }\`.`,
        )
      },
    },
  )
}

export function baseUrlOf(app: App): string | undefined {
  if (UNSET in app) return undefined
  if (typeof app.url === 'string') return app.url
  // `test.use({ app: … })` replaces the fixture with the options.
  throw invalidOption(
    'The option `app` was set by `test.use`, where Playwright takes it for the app itself.',
    app,
    'Set it in `use` of the Playwright config, or of one of its projects; or use `test.use({ app: appFixture({ … }) })`.',
  )
}
