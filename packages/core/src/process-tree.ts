/**
 * All processes that descend from one start, found and ended. Starts nothing by itself.
 *
 * @module @portslice/core/process-tree
 */
export { type TreeMarker, treeMarker } from './process-tree/marker.js'
export { type EndOptions, ProcessTree, type WatchOptions } from './process-tree/process-tree.js'
export { canListProcesses, type ProcessIdentity } from './process-tree/processes.js'
