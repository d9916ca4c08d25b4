/**
 * Finds and ends a process and all its descendants. Bundled into the packages that use it.
 *
 * @module @portslice/process-tree
 */
export { type TreeMarker, treeMarker } from './marker.js'
export { type EndOptions, ProcessTree, type WatchOptions } from './process-tree.js'
export { canListProcesses, type ProcessIdentity } from './processes.js'
