/** One measurement that matters to users, compared with alternatives. */
import type { EChartsOption } from 'echarts'

export interface Row {
  /** The heading of its section. */
  readonly name: string
  /** How it is measured. */
  readonly how: string
  run(context: Context): Promise<Measured>
}

export interface Context {
  /** Fewer rounds, for a quick check; the figures are not reliable. */
  readonly short: boolean
  /** An empty directory, removed afterwards. */
  readonly folder: string
}

export interface Measured {
  readonly tables: readonly Table[]
  readonly targets: readonly Target[]
  readonly charts: readonly Chart[]
}

export interface Table {
  /** Describes the figures and their unit. */
  readonly caption: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Target {
  readonly target: string
  readonly measured: string
  /** The time of the system calls alone, without any library. */
  readonly floor?: string
  /** Missing if there is no limit to meet. */
  readonly met?: boolean
}

export interface Chart {
  /** The file name without directory and extension. */
  readonly file: string
  /** Also the text alternative. */
  readonly title: string
  readonly option: EChartsOption
}
