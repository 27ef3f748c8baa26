import { DARK, FUNCTIONS, LIGHT, resolveOption } from '../model/chart-runtime.js';
import { inlineJson } from '../../base/text/escape.js';

/**
 * The script of report.html: draws every chart from the data beside it, again when the reader's
 * colour scheme or the window changes, and in light colours for paper. Charts of a closed
 * condition are drawn when it opens: a matrix has hundreds, and most are never looked at.
 */
export function pageScript(): string {
  return `'use strict';
(() => {
  ${resolveOption.toString()}
  ${Object.values(FUNCTIONS).map(String).join('\n  ')}
  const themes = ${inlineJson({ light: LIGHT, dark: DARK })};
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const drawn = new Map();
  let printing = false;

  function option(chart) {
    const theme = dark.matches && !printing ? themes.dark : themes.light;
    return resolveOption(chart.option, { ...theme, ${Object.keys(FUNCTIONS).join(', ')} });
  }

  function draw(chart) {
    const element = document.getElementById('chart-' + chart.name);
    if (element === null || element.closest('details:not([open])') !== null) return;
    if (!drawn.has(chart.name)) {
      drawn.set(chart.name, echarts.init(element, null, { renderer: 'canvas' }));
    }
    const instance = drawn.get(chart.name);
    instance.resize();
    instance.setOption(option(chart), { notMerge: true });
  }

  function drawAll() {
    charts.forEach(draw);
  }

  drawAll();
  dark.addEventListener('change', drawAll);
  let waiting = 0;
  addEventListener('resize', () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 100);
  });
  for (const details of document.querySelectorAll('details')) {
    details.addEventListener('toggle', drawAll);
  }
  let closed = [];
  addEventListener('beforeprint', () => {
    printing = true;
    closed = [...document.querySelectorAll('details:not([open])')];
    for (const details of closed) details.open = true;
    drawAll();
  });
  addEventListener('afterprint', () => {
    printing = false;
    for (const details of closed) details.open = false;
    drawAll();
  });
})();
`;
}
