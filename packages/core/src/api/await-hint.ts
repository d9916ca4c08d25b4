/**
 * Lets a forgotten `await` fail where the promise is used as a port, such as in a URL, which would
 * otherwise contain `[object Promise]`.
 *
 * @param call what the user has written, such as `takePort()`
 */
import { invalidOption } from '../errors.js'
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
