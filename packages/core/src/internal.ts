/**
 * Exports for the other packages of portslice. Not part of the public interface.
 *
 * @module @portslice/core/internal
 */

export { sharedAllocator } from './allocator/shared-allocator.js'
export { withAwaitHint } from './api/await-hint.js'
export { watchBoundPorts } from './api/bound-ports.js'
export type { LeaseObserver } from './api/lease-observer.js'
export { inspect, invalidOption, PortsliceError } from './errors.js'
export {
  type AdapterOptions,
  checkAdapterOptions,
  type OnLeak,
} from './internal/adapter-options.js'
export { answerInTime } from './internal/answer-in-time.js'
export { LastSeen } from './internal/last-seen.js'
export {
  arrayFrom,
  fieldsOf,
  millisecondsFrom,
  parseHolder,
  parseLeft,
  parseRefusal,
} from './internal/parse-stored.js'
export {
  isPortReportRequested,
  recordAllocator,
  requestPortReport,
  takeLateUses,
  takeWorkerUse,
} from './internal/recorded-allocator.js'
export type { RecordedUse, WorkerUse } from './internal/recorded-uses.js'
export { namedPort, namedPorts, preferShard } from './internal/runner-shard.js'
export { messageOf, sessionError } from './internal/session-error.js'
export {
  type LeakedPort,
  leakError,
  leakedPort,
  leakMessage,
  TestPorts,
} from './internal/test-ports.js'
export { replacePlaceholders } from './options/placeholders.js'
export { variablePartOf } from './options/port-name.js'
export { formatShard, runnerShardVariables } from './options/shard.js'
export { abortSignal, checkOptions, milliseconds, type Validator } from './options/validate.js'
export { clearTimeout, deadlineIn, setTimeout, sleep } from './platform/clock.js'
export { hostInUrl } from './platform/host-in-url.js'
export { openFilesOf } from './platform/open-files.js'
export { isProcess } from './platform/process-run.js'
export {
  DENIED,
  listPids,
  parseStat,
  processTable,
  readProcessFile,
  readProcessText,
} from './platform/process-table.js'
export { system } from './platform/system.js'
export { reportsAddressInUse } from './probe/address-in-use.js'
export { isListening, listeningSockets } from './probe/listening.js'
export { atProcessExit, processWide } from './process-state.js'
export { QUARANTINE_MS, stringFrom } from './slice/slice-record.js'
