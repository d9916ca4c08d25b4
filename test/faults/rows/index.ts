import type { Fault } from '../fault.ts'
import { clockJumps } from './clock-jumps.ts'
import { filesEdited } from './edited-files.ts'
import { allSlicesTaken, noDescriptors, noProcesses } from './exhausted-resources.ts'
import { foreignProgramOnSentinel, foreignPrograms } from './foreign-programs.ts'
import { journals } from './journals.ts'
import { killed } from './killed.ts'
import { killedBetweenSteps } from './killed-between-steps.ts'
import { lockDirectoryAtStart } from './lock-directory-at-start.ts'
import { lockDirectoryDuringRun } from './lock-directory-during-run.ts'
import { hundredsOfSlices, processesAtOnce } from './many-at-once.ts'
import { moreWorkersThanSlices } from './more-workers-than-slices.ts'
import { networkNamespaces } from './network-namespaces.ts'
import { otherUsers } from './other-users.ts'
import { sameCrashedSlice } from './same-crashed-slice.ts'
import { stopped } from './stopped-holder.ts'
import { clusterWorkersKilled, threadsTerminated } from './threads-and-clusters.ts'
import { ephemeralEverywhere, unusualNetworks } from './unusual-networks.ts'

/** In the order of the table. */
export const FAULTS: readonly Fault[] = [
  killed,
  killedBetweenSteps,
  stopped,
  clockJumps,
  lockDirectoryDuringRun,
  lockDirectoryAtStart,
  journals,
  otherUsers,
  networkNamespaces,
  ephemeralEverywhere,
  unusualNetworks,
  foreignPrograms,
  foreignProgramOnSentinel,
  allSlicesTaken,
  moreWorkersThanSlices,
  noDescriptors,
  noProcesses,
  processesAtOnce,
  hundredsOfSlices,
  sameCrashedSlice,
  threadsTerminated,
  clusterWorkersKilled,
  filesEdited,
]
