import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOTHING_EXPECTED } from '../../src/audit/findings/finding.js';
import { judge } from '../../src/audit/findings/judge.js';
import type { RangeRow } from '../../src/audit/range-list.fixture.js';
import { deviceOf, spaceOf, surveyOf } from '../../src/audit/survey.fixture.js';
import { auditPage } from '../../src/report/audit-page.js';
import { chromiumPath, needsChromium } from '../chromium.fixture.js';

const survey = surveyOf(
  [
    deviceOf('0000:00:04.0'),
    deviceOf('0000:00:05.0', { domainId: 2, space: 1 }),
    deviceOf('0000:00:06.0', {
      translation: 'passthrough',
      space: null,
      domainId: 3,
      type: 'pass-through (TT = 10b)',
    }),
    deviceOf('0000:00:07.0', {
      translation: 'blocked',
      space: null,
      domainId: null,
      rights: 0,
      note: 'no context',
    }),
    ...Array.from({ length: 60 }, (_, i) =>
      deviceOf(`0000:02:${(i >> 3).toString(16).padStart(2, '0')}.${i & 7}`),
    ),
  ],
  [
    spaceOf([
      [0, 0x40000, 0, 1],
      [0x40000, 0x20000, 0x80000, 3],
      [0x80000, 0x10000, 0x40000, 2],
    ]),
    spaceOf(
      Array.from({ length: 100_000 }, (_, i): RangeRow => [i * 8, 4, 0x10000 + i * 8, 1 + (i % 3)]),
      { root: 0x20_000, tables: Float64Array.of(0x20) },
    ),
  ],
);

describe.skipIf(chromiumPath === undefined)(`the page of an audit in a browser${needsChromium}`, () => {
  let folder: string;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dommu-page-'));
    const file = join(folder, 'audit.html');
    writeFileSync(file, [...auditPage(survey, judge(survey, NOTHING_EXPECTED))].join(''));
    browser = await chromium.launch({ executablePath: chromiumPath!, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(pathToFileURL(file).href);
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const said = () => page.textContent('#said');
  /** Moves the pointer to a device's row, at a fraction of the axis. */
  const point = async (row: number, fraction: number) => {
    const box = (await page.locator('#picture').boundingBox())!;
    await page.mouse.move(box.x + 190 + (box.width - 198) * fraction, box.y + 26 + row * 22 + 11);
  };
  /** The colour of a pixel of the canvas. */
  const colour = (row: number, fraction: number) =>
    page.evaluate(
      ([row, fraction]) => {
        const canvas = document.getElementById('picture') as HTMLCanvasElement;
        const ratio = canvas.width / canvas.clientWidth;
        const x = (190 + (canvas.clientWidth - 198) * fraction!) * ratio;
        return [...canvas.getContext('2d')!.getImageData(x, (26 + row! * 22 + 4) * ratio, 1, 1).data].slice(
          0,
          3,
        );
      },
      [row, fraction] as const,
    );

  it('runs its script and no other, and complains of nothing', async () => {
    expect(await page.locator('#findings li').count()).toBeGreaterThan(0);
    expect(errors).toEqual([]);
  });

  it('tells what lies under the pointer, by device address and by memory', async () => {
    await point(0, 0.3);
    expect(await said()).toMatch(
      /^0000:00:04\.0 at 0x[0-9a-f]+: rw → 0x[0-9a-f]+, in 0x40000000 to 0x60000000/,
    );
    await point(3, 0.5);
    expect(await said()).toContain('nothing');
    await page.check('#axis-memory');
    await point(0, 0.5);
    expect(await said()).toMatch(/←/);
    await page.check('#axis-device');
  });

  it('paints rights so that they can be told apart', async () => {
    const readWrite = await colour(0, 0.3);
    expect(readWrite).toEqual([0xd5, 0x5e, 0x00]);
    expect(await colour(2, 0.9)).toEqual([0, 0, 0]);
    expect(await colour(3, 0.9)).toEqual([0xf4, 0xf4, 0xf4]);
  });

  it('can be used without a pointer, and says in words what it paints', async () => {
    await page.focus('#picture');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await said()).toMatch(/^0000:00:05\.0 at 0x/);
    await page.keyboard.press('ArrowUp');
    expect(await said()).toMatch(/^0000:00:04\.0 at 0x[0-9a-f]+: /);
    await page.click('#words summary');
    await page.locator('#words tr').nth(1).waitFor();
    expect(await page.locator('#words tr').count()).toBe(65);
    expect(await page.locator('#words tr').nth(1).textContent()).toContain(
      '0x40000000 up to 0x60000000: 0x80000000, rw',
    );
    expect(await page.locator('#words tr').nth(2).textContent()).toContain('and 99984 more ranges');
    await page.click('#words summary');
    expect(errors).toEqual([]);
  });

  it('zooms with the wheel, buttons and keys down to single frames, and back', async () => {
    const whole = await colour(0, 0.95);
    await point(0, 0.3);
    for (let i = 0; i < 40; i++) await page.mouse.wheel(0, -400);
    await point(1, 0.41);
    const close = await said();
    await page.focus('#picture');
    await page.keyboard.press('-');
    await page.keyboard.press('ArrowRight');
    await page.click('#in');
    await page.focus('#picture');
    await page.keyboard.press('0');
    expect(close).toContain('0000:00:05.0 at 0x');
    expect(await colour(0, 0.95)).toEqual(whole);
    expect(errors).toEqual([]);
  });

  it('scrolls through more devices than fit', async () => {
    await page.evaluate(() => document.getElementById('scroller')!.scrollTo(0, 22 * 30));
    await point(0, 0.3);
    expect(await said()).toContain('0000:02:03.2');
    await page.evaluate(() => document.getElementById('scroller')!.scrollTo(0, 0));
  });

  it('shows the memory that a finding is about', async () => {
    await page.locator('#findings button').first().click();
    expect(await page.isChecked('#axis-memory')).toBe(true);
    if (process.env.DOMMU_SCREENSHOT) await page.screenshot({ path: process.env.DOMMU_SCREENSHOT });
  });
});
