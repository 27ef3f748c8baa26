import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { chartsOf } from '../../src/report/charts/charts.js';
import type { RunReport } from '../../src/report/model/report-types.js';
import { writeReport } from '../../src/report/render/write-all.js';
import { requireTool } from '../support/require-tool.js';
import { crowdedReport, fakeReport, hardReport, HOSTILE } from '../unit/report-fixture.js';

const tool = requireTool('chromium', 'chromium-browser', 'google-chrome');
const REPORTS = { plain: fakeReport(), hard: hardReport(), crowded: crowdedReport() };

/** What a page did while it was open. */
interface Visit {
  page: Page;
  /** Requests other than for the page itself. */
  requests: string[];
  complaints: string[];
}

describe('report.html in a browser', { skip: tool.skip }, () => {
  let browser: Browser;
  let directory = '';
  const written = new Set<string>();

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'splicebench-page-'));
    browser = await chromium.launch({
      executablePath: tool.path,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  after(async () => {
    await browser.close();
    await rm(directory, { recursive: true });
  });

  async function visit(
    name: string,
    report: RunReport,
    options: { colorScheme?: 'light' | 'dark'; width?: number } = {},
  ): Promise<Visit> {
    const run = join(directory, name);
    if (!written.has(name)) await writeReport(run, report);
    written.add(name);
    const address = pathToFileURL(join(run, 'report.html')).href;
    const page = await browser.newPage({
      colorScheme: options.colorScheme ?? 'light',
      viewport: { width: options.width ?? 1000, height: 800 },
    });
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      const url = request.url();
      if (url !== address && !url.startsWith('data:')) requests.push(url);
    });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(address);
    return { page, requests, complaints };
  }

  for (const [name, report] of Object.entries(REPORTS)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`asks for nothing, complains of nothing and draws every chart (${name}, ${colorScheme})`, async () => {
        const { page, requests, complaints } = await visit(name, report, { colorScheme });
        const charts = [...chartsOf(report).values()].flat();
        assert.equal(await page.locator('.chart:has(canvas)').count(), charts.length);
        for (const chart of charts) {
          const box = await page.locator(`#chart-${chart.name} canvas`).first().boundingBox();
          assert.ok(box !== null && box.width > 600 && box.height === chart.height, chart.name);
        }
        assert.deepEqual(requests, []);
        assert.deepEqual(complaints, []);
        await page.close();
      });
    }
  }

  it('shows hostile labels as text', async () => {
    const { page, complaints } = await visit('hard', REPORTS.hard);
    assert.equal(await page.locator('img').count(), 0);
    const shown = HOSTILE.label.split('\u001b')[0] ?? '';
    assert.ok((await page.locator('th', { hasText: shown }).count()) > 0);
    await page.locator('.chart').first().hover();
    assert.equal(await page.locator('img').count(), 0);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  it('leads with the verdict and has titles, headings and names for its charts', async () => {
    const { page } = await visit('plain', REPORTS.plain);
    assert.match(await page.title(), /^splicebench: run /);
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    assert.equal(await page.locator('h1').count(), 1);
    assert.match(
      (await page.locator('.verdict').textContent()) ?? '',
      /Faster: splice forwards[^]*Safe: every/,
    );
    for (const chart of await page.locator('.chart').all()) {
      assert.equal(await chart.getAttribute('role'), 'img');
      assert.ok(((await chart.getAttribute('aria-label')) ?? '').length > 20);
    }
    const unnamed = await page.locator('table:not(.facts):not(:has(caption))').count();
    assert.equal(unnamed, 0);
    await page.close();
  });

  it('follows the colour scheme while it is open', async () => {
    const { page } = await visit('plain', REPORTS.plain);
    const colours = `(() => {
      const canvas = document.querySelector('.chart canvas');
      const pixel = canvas.getContext('2d').getImageData(2, canvas.height - 2, 1, 1);
      return getComputedStyle(document.body).backgroundColor + ' ' + Array.from(pixel.data).join();
    })()`;
    assert.equal(await page.evaluate(colours), 'rgb(255, 255, 255) 255,255,255,255');
    await page.emulateMedia({ colorScheme: 'dark' });
    // waitForFunction evaluates inside the page, where the page's own policy forbids it.
    const deadline = Date.now() + 10_000;
    let seen: unknown;
    do seen = await page.evaluate(colours);
    while (seen !== 'rgb(22, 25, 29) 22,25,29,255' && Date.now() < deadline);
    assert.equal(seen, 'rgb(22, 25, 29) 22,25,29,255');
    await page.close();
  });

  it('draws charts of closed conditions when they open', async () => {
    const { page, complaints } = await visit(
      'matrix',
      fakeReport({ connections: [1, 2, 4, 8, 16, 32] }),
    );
    const last = page.locator('section', { hasText: 'check: none' }).locator('details').nth(5);
    assert.equal(await last.locator('.chart:has(canvas)').count(), 0);
    await last.locator('summary').click();
    await last.locator('canvas').first().waitFor();
    assert.equal(await last.locator('.chart:has(canvas)').count(), 5);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  it('needs no sideways scrolling of the page, even on a phone', async () => {
    for (const width of [360, 1000]) {
      const { page } = await visit('hard', REPORTS.hard, { width });
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.ok(Number(overflow) <= 0, `${String(overflow)} px too wide at ${width}`);
      await page.close();
    }
  });

  it('prints', async () => {
    const { page, complaints } = await visit('hard', REPORTS.hard);
    const pdf = await page.pdf({ format: 'A4' });
    assert.ok(pdf.length > 50_000);
    assert.deepEqual(complaints, []);
    await page.close();
  });
});
