/** Reads values from the database of a coordinator, which other programs may have changed. */
import type { HolderInfo, LeftPort, Refusal } from '../coordinator/coordinator-session.js'
import { stringFrom } from '../slice/slice-record.js'

type Fields = Record<string, unknown>

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

export function parseHolder(value: unknown): HolderInfo | undefined {
  const { pid, workerId, host, runner, cwd, projectRoot, command, shard } = fieldsOf(value)
  const strings = [host, runner, cwd, projectRoot, command]
  if (!Number.isInteger(pid) || !Number.isInteger(workerId)) return undefined
  if (!strings.every((each) => typeof each === 'string')) return undefined
  return {
    pid: pid as number,
    workerId: workerId as number,
    host: host as string,
    runner: runner as string,
    cwd: cwd as string,
    projectRoot: projectRoot as string,
    command: command as string,
    ...(typeof shard === 'string' && { shard }),
  }
}

function numberFrom(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** @param reasons the reasons that this kind of database gives */
export function parseRefusal(
  value: unknown,
  reasons: readonly Refusal['refused'][],
): Refusal | undefined {
  const { refused, port, leftMs, holder } = fieldsOf(value)
  const reason = reasons.find((each) => each === refused)
  if (reason === undefined) return undefined
  return {
    refused: reason,
    port: numberFrom(port),
    leftMs: numberFrom(leftMs),
    holder: parseHolder(holder),
  }
}

export function parseLeft(value: unknown): LeftPort[] {
  return arrayFrom(value)
    .map(fieldsOf)
    .flatMap(({ port, leftMs, label, key, projectRoot }) => {
      if (!Number.isInteger(port)) return []
      return {
        port: port as number,
        leftMs: numberFrom(leftMs) ?? 0,
        label: stringFrom(label),
        key: stringFrom(key),
        projectRoot: stringFrom(projectRoot),
      }
    })
}

export function arrayFrom(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** 0 if a `Date` cannot have the value: a database may store an infinite time. */
export function millisecondsFrom(value: unknown): number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15 ? value : 0
}
