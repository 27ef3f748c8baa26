import type { JsonObject } from '../model/chart-runtime.js';

/** One chart: an echarts option as JSON, and what to say to those who cannot see it. */
export interface Chart {
  /** File name without its ending: letters, digits and dashes; unique in the run. */
  name: string;
  title: string;
  /** The chart's content in words. */
  alt: string;
  /** Pixels. */
  width: number;
  height: number;
  /** With "$" names for colours and functions; see chart-runtime.ts. */
  option: JsonObject;
}

/** A chart without its file name, which only the run can make unique. */
export type NamelessChart = Omit<Chart, 'name'>;
