import { invalidOption } from '../errors.js'

/** A forgotten `await` fails where the promise is used as a port, not later as `[object Promise]` in a URL. */
export function withAwaitHint<T>(promise: Promise<T>, call: string): Promise<T> {
  return Object.defineProperty(promise, Symbol.toPrimitive, {
    value: () => {
      throw invalidOption(
        `The promise of ${call} was used as if it were the port: an \`await\` is missing.`,
        promise,
        `Write \`await ${call}\`.`,
      )
    },
  })
}
