/** One thing that users feel, measured beside what they would use instead. */
import type { EChartsOption } from 'echarts'

export interface Row {
  /** The heading of its section. */
  readonly name: string
  /** How it is measured, in plain sentences. */
  readonly how: string
  run(context: Context): Promise<Measured>
}

export interface Context {
  /** The quick form: the same, so few times that its figures mean little. */
  readonly short: boolean
  /** An empty folder of its own, removed afterwards. */
  readonly folder: string
}

export interface Measured {
  readonly tables: readonly Table[]
  readonly targets: readonly Target[]
  readonly charts: readonly Chart[]
}

export interface Table {
  /** What the figures are, and their unit. */
  readonly caption: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Target {
  /** What is aimed at, as a clause. */
  readonly target: string
  /** What came of it in this run. */
  readonly measured: string
  /** Missing where something is only to be known. */
  readonly met?: boolean
}

export interface Chart {
  /** The name of its file, without folder and extension. */
  readonly file: string
  /** What it shows, for those who cannot see it, too. */
  readonly title: string
  readonly option: EChartsOption
}
