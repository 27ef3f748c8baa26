/** asciichart ships no types; this is the part of it that we call. */
declare module 'asciichart' {
  export interface PlotOptions {
    /** Rows between min and max. Always set: else there is one row per unit of value. */
    height: number;
    min: number;
    max: number;
    /** Columns before the axis. */
    offset?: number;
    /** Escape sequences, one per series. */
    colors?: string[];
    format?: (value: number) => string;
  }

  interface Asciichart {
    plot(series: number[][], options: PlotOptions): string;
    reset: string;
  }

  const asciichart: Asciichart;
  export default asciichart;
}
