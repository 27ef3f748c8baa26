import { createRequire } from 'node:module';
import type { EChartsOption } from 'echarts';
import { FUNCTIONS, LIGHT, resolveOption } from '../model/chart-runtime.js';
import { type Chart } from '../charts/chart.js';
import { chartsOf } from '../charts/charts.js';
import { escapeHtml } from '../../base/text/escape.js';
import type { Exporter } from '../model/report-types.js';

/**
 * The chart library, as the one file that the page carries too. Its 600 modules would take half a
 * second of CPU time, which every command would pay at its start, and most draw no chart.
 */
function echarts(): Pick<typeof import('echarts'), 'init'> {
  library ??= createRequire(import.meta.url)(
    'echarts/dist/echarts.min.js',
  ) as typeof import('echarts');
  return library;
}
let library: ReturnType<typeof echarts> | undefined;

/** charts/*.svg: every chart of every cell, on white. The same run gives the same bytes. */
export const svgCharts: Exporter = {
  file: 'charts',
  write: (report) =>
    new Map(
      [...chartsOf(report).values()]
        .flat()
        .map((chart) => [`${chart.name}.svg`, renderSvg(chart)] as const),
    ),
};

/** Draws one chart without a browser. */
export function renderSvg(chart: Chart): string {
  const drawing = echarts().init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: chart.width,
    height: chart.height,
  });
  try {
    // Resolving turns the JSON with its names into what echarts wants; that it does is for the
    // tests to show, the two types have no common part to check against.
    drawing.setOption(resolveOption(chart.option, { ...LIGHT, ...FUNCTIONS }) as EChartsOption);
    return titled(drawing.renderToSVGString(), chart);
  } finally {
    drawing.dispose();
  }
}

/**
 * Adds what screen readers need, and takes out what makes equal charts differ: counters that go on
 * from chart to chart, in names and in the classes of styles for hovering, which a file has no use for.
 */
function titled(svg: string, chart: Chart): string {
  const title = `<title>${escapeHtml(chart.title)}</title><desc>${escapeHtml(chart.alt)}</desc>`;
  const stable = svg
    .replaceAll(/<style\b[^]*?<\/style>/g, '')
    .replaceAll(/ (?:class|ecmeta_\w+)="[^"]*"/g, '')
    .replaceAll(/\bzr\d+-/g, 'zr-');
  return `${stable.replace(/<svg\b[^>]*>/, (tag) => `${tag.slice(0, -1)} role="img">${title}`)}\n`;
}
