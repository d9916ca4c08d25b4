/**
 * What fixtures need before they load the rest of this package, and contain as a copy. Not part of the
 * public interface.
 *
 * @module @portslice/core/internal/errors
 */
export { withAwaitHint } from '../api/await-hint.js'
export { inspect, invalidOption, PortsliceError } from '../errors.js'
