/**
 * Exports that fixtures bundle, because they need them before they load the rest of this package. Not part of
 * the public interface.
 *
 * @module @portslice/core/internal/errors
 */
export { withAwaitHint } from '../api/await-hint.js'
export { inspect, invalidOption, PortsliceError } from '../errors.js'
