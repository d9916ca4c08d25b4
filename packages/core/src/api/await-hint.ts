import { invalidOption } from '../errors.js'

/** Lets the promise throw if it is used as a port. Otherwise a URL would contain `[object Promise]`. */
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
