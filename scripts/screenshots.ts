import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { serveExplorer } from '../test/explore-command.fixture.js';
import { chromiumPath } from '../web/chromium.fixture.js';
import { withPalette } from './palette-png.js';

/**
 * `npm run screenshots [-- NAME…] [--out FOLDER]`: the explorer's main views over both founding bugs, taken in Chromium and
 * written to docs/img. What the pictures show is made in the same order each time, and nothing in them moves.
 */

const { values, positionals } = parseArgs({
  options: { out: { type: 'string', default: fileURLToPath(new URL('../docs/img', import.meta.url)) } },
  allowPositionals: true,
});

/** Bytes that a picture may have: the repository keeps each for ever. */
const MOST_BYTES = 150_000;

const ARM = ['examples/arm-grant-fault.dommu', '--xen', '4.12'];
const SCENE = ['examples/late-enable-scene.dommu', '--xen', 'late-enable'];
const LOOP = ['examples/late-enable.dommu', '--xen', 'late-enable'];

interface Shot {
  readonly name: string;
  /** What `dommu explore` is given. */
  readonly args: readonly string[];
  readonly dark?: boolean;
  /** What is done in the page before the picture is taken. */
  readonly act: (page: Page) => Promise<void>;
}

const tab = (page: Page, name: string) => page.getByRole('tab', { name, exact: true }).click();

const SHOTS: readonly Shot[] = [
  { name: 'fault', args: [...ARM, '--step', '5'], act: (page) => tab(page, 'Last DMA') },
  { name: 'fault-dark', args: [...ARM, '--step', '5'], dark: true, act: (page) => tab(page, 'Last DMA') },
  { name: 'machine', args: [...ARM, '--step', '4'], act: (page) => tab(page, 'Machine') },
  { name: 'grants', args: [...ARM, '--step', '4'], act: (page) => tab(page, 'Grants') },
  { name: 'invariants', args: [...ARM, '--step', '4'], act: (page) => tab(page, 'Invariants') },
  { name: 'devices', args: [...ARM, '--step', '5'], act: (page) => tab(page, 'Devices') },
  {
    name: 'why',
    args: [...ARM, '--step', '5'],
    act: async (page) => {
      await tab(page, 'Last DMA');
      await page.locator('#outcome').getByRole('button', { name: 'fault' }).click();
    },
  },
  {
    name: 'what-if',
    args: [...ARM, '--step', '4'],
    act: async (page) => {
      await tab(page, 'What if?');
      await page.getByPlaceholder('4.12, late-enable').fill('4.15');
      await page.getByRole('button', { name: 'Compare with Xen 4.15' }).click();
      await page.getByText('does eth0 reach 0x8424cb (r-)').waitFor();
    },
  },
  { name: 'livelock', args: [...LOOP, '--step', '22'], act: (page) => tab(page, 'Machine') },
  {
    name: 'search',
    args: SCENE,
    act: async (page) => {
      await tab(page, 'Search');
      await page.getByRole('button', { name: 'Search', exact: true }).click();
      await page.locator('#search').getByText('livelock').first().waitFor();
    },
  },
  {
    name: 'states',
    args: ['--bug', 'XSA-285'],
    act: async (page) => {
      await tab(page, 'States');
      await page.getByLabel('at most').selectOption({ label: '300 states' });
      await page.getByRole('button', { name: 'Draw the graph' }).click();
      await page.getByText('The shortest way to a violation is lit').waitFor();
    },
  },
];

async function take(browser: Browser, shot: Shot): Promise<string> {
  const serving = await serveExplorer(...shot.args);
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1,
    colorScheme: shot.dark === true ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  try {
    await page.goto(serving.url);
    await page.locator('#outcome strong').first().waitFor();
    // As long as it judges, the page says how far it has come.
    await page.locator('.judging').waitFor({ state: 'detached' });
    await shot.act(page);
    await settled(page);
    const file = join(values.out, `explore-${shot.name}.png`);
    const picture = withPalette(await page.screenshot({ animations: 'disabled', caret: 'hide' }));
    if (picture.length > MOST_BYTES) throw new Error(`${file} would have ${picture.length} bytes`);
    // What has not changed is not written: the same picture may be packed otherwise by another Chromium.
    if (!existsSync(file) || !readFileSync(file).equals(picture)) writeFileSync(file, picture);
    return `${file}: ${statSync(file).size} bytes`;
  } finally {
    await page.close();
    await serving.stop();
  }
}

/** Waits until two frames in a row have drawn nothing new: answers are drawn as they come. */
async function settled(page: Page): Promise<void> {
  let before = '';
  for (let same = 0; same < 3; ) {
    await page.waitForTimeout(100);
    const now = await page.locator('body').innerHTML();
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

if (chromiumPath === undefined) {
  process.stderr.write('the pictures are taken in Chromium, which is not installed here\n');
  process.exitCode = 2;
} else {
  mkdirSync(values.out, { recursive: true });
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--font-render-hinting=none', '--disable-lcd-text'],
  });
  try {
    for (const shot of SHOTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name)))
      console.log(await take(browser, shot));
  } finally {
    await browser.close();
  }
}
