import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumPath, needsChromium } from '../../chromium.fixture.js';
import { accessibilityProblems } from '../axe.fixture.js';
import { closeBrowser, openExplorer } from '../page.fixture.js';
import { layersOf, litPath } from './drawing.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url)), 'utf8');

const HOTPLUG = 'guest-pv-hotplug.cfg';
const LOOP = {
  text: example('late-enable-loop.dommu'),
  configs: { [HOTPLUG]: { name: HOTPLUG, content: example(HOTPLUG) } },
  edition: 'late-enable',
};

async function drawGraph(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'States' }).click();
  await page.getByRole('button', { name: 'Draw the graph' }).click();
  await page.locator('#states canvas').waitFor();
}

/** How many pixels of the picture have the colour of what is lit. */
const litPixels = (page: Page): Promise<number> =>
  page.evaluate(`(async () => {
    await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
    const probe = document.createElement('span');
    probe.style.color = 'var(--accent)';
    document.body.append(probe);
    const [r, g, b] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    probe.remove();
    const canvas = document.querySelector('#states canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++;
    return count;
  })()`);

/** The picture as it stands once it has been drawn. */
const pixels = (page: Page): Promise<string> =>
  page.evaluate(`(async () => {
    await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
    return document.querySelector('#states canvas').toDataURL();
  })()`);

const state = (depth: number, parent: number, violated: string[] = []) => ({
  ...{ depth, parent, violated },
  ...{ by: '', underWay: [], beyond: 0 },
});
const edge = (from: number, to: number) => ({ from, to, actions: [0], violated: [] });

afterAll(closeBrowser);

describe('what is lit in a graph', () => {
  const states = [state(0, -1), state(1, 0), state(1, 0), state(2, 2, ['P1']), state(3, 3)];

  it('is the program’s way, each pair of states once', () => {
    expect(litPath({ states, places: [0, 1, 1, 2, 1, 2, -1, -1] })).toEqual({
      of: 'program',
      pairs: [
        [0, 1],
        [1, 2],
        [2, 1],
      ],
    });
  });

  it('is the shortest way to a violation where the program does not go on', () => {
    expect(litPath({ states, places: [0] })).toEqual({
      of: 'violation',
      pairs: [
        [0, 2],
        [2, 3],
      ],
    });
    expect(litPath({ states: states.slice(0, 3), places: [0] }).of).toBe('nothing');
  });

  it('is laid out by the edges that lead a layer further', () => {
    const edges = [edge(0, 1), edge(0, 2), edge(1, 2), edge(2, 3), edge(3, 0), edge(3, 4)];
    expect(layersOf({ states, edges }).edges).toEqual([
      [0, 1],
      [0, 2],
      [2, 3],
      [3, 4],
    ]);
  });
});

describe.skipIf(chromiumPath === undefined)(`the graph of states in a browser${needsChromium}`, () => {
  it('draws a small machine with the program’s way lit, and says where the reader is', async () => {
    const { page, errors, close } = await openExplorer(LOOP, { step: 1 });
    await drawGraph(page);
    expect(await page.textContent('#states .facts')).toContain('What is tried leads to no others.');
    const before = await litPixels(page);
    expect(before).toBeGreaterThan(200);
    // Before the graph begins the reader is nowhere in it; behind that, a ring and words are drawn.
    expect(await page.getByRole('button', { name: 'go where I am' }).count()).toBe(0);
    await page.getByLabel('step', { exact: true }).first().fill('5');
    await page.getByLabel('step', { exact: true }).first().press('Enter');
    await page.getByRole('button', { name: 'go where I am' }).waitFor();
    expect(await litPixels(page)).toBeGreaterThan(before);
    expect(errors).toEqual([]);
    await close();
  });

  it('tells of a state that is picked how one gets there and on from there, and opens the program', async () => {
    const { page, errors, close } = await openExplorer(LOOP);
    await drawGraph(page);
    const list = page.locator('.state-list');
    await list.getByLabel('show').selectOption('underWay assign_device');
    await list.getByLabel('in layer').selectOption('3');
    await list.locator('tbody button').first().click();
    const card = page.locator('.state-card');
    await card.locator('.way li').nth(2).waitFor();
    expect(await card.textContent()).toContain('Under way: assign_device');
    const way = await card.locator('.way code').allTextContents();
    // On to a neighbour and back: the same way as before.
    const here = (await card.locator('h3').textContent())!;
    await card.locator('.neighbours button').first().click();
    await page.waitForFunction(
      (was) => document.querySelector('#state-card-title')?.textContent !== was,
      here,
    );
    await list.locator('tbody button').first().click();
    await page.waitForFunction(
      (was) => document.querySelector('#state-card-title')?.textContent === was,
      here,
    );
    await card.getByRole('button', { name: 'Open the program' }).click();
    await page.locator('h1', { hasText: /^state-\d+-of-test\.dommu$/ }).waitFor();
    const rows = await page.locator('#steps code').allTextContents();
    for (const statement of way) expect(rows.join('\n')).toContain(statement);
    // The graph was of another program.
    expect(await page.locator('#states canvas').count()).toBe(0);
    expect(errors).toEqual([]);
    await close();
  });

  it('picks the state that is clicked in the picture, and moves by keys', async () => {
    const { page, errors, close } = await openExplorer(LOOP, { step: 5 });
    await drawGraph(page);
    await page.getByRole('button', { name: 'go where I am' }).click();
    const canvas = page.locator('#states canvas');
    const { width, height } = (await canvas.boundingBox())!;
    await canvas.click({ position: { x: width / 2, y: height / 2 } });
    await page.locator('.state-card').getByRole('button', { name: 'go to step 5' }).waitFor();
    // Keys move the picture and show all of it again, and nothing else of the page hears them.
    await page.getByRole('button', { name: 'all', exact: true }).click();
    const all = await pixels(page);
    await canvas.focus();
    for (const key of ['ArrowDown', '+', 'ArrowLeft']) {
      const before = await pixels(page);
      await page.keyboard.press(key);
      expect(await pixels(page)).not.toBe(before);
    }
    await page.keyboard.press('0');
    expect(await pixels(page)).toBe(all);
    expect(await page.textContent('.timeline')).toContain('of 19');
    await page.locator('.state-card').getByRole('button', { name: 'go to step 5' }).waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  it('has nothing that axe-core finds fault with', async () => {
    const { page, close } = await openExplorer(LOOP);
    await drawGraph(page);
    await page.locator('.state-list tbody button').nth(3).click();
    await page.locator('.state-card .way li').first().waitFor();
    expect(await accessibilityProblems(page, '#states')).toEqual([]);
    await close();
  });
});
