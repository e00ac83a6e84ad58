import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { LONG_RUN } from '../src/explore/big-machine.fixture.js';
import { pagePart } from '../src/report/page-parts.js';
import { chromiumPath, needsChromium } from '../web/chromium.fixture.js';
import { accessibilityProblems } from '../web/explore/axe.fixture.js';
import { closeBrowser, type OpenPage, visit } from '../web/explore/page.fixture.js';
import { dommu, serveExplorer } from './explore-command.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-explore-'));
afterAll(async () => {
  await closeBrowser();
  rmSync(folder, { recursive: true });
});
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const ARM = 'examples/arm-grant-fault.dommu';
/** What tells that the page shows a run. */
const shown = ({ page }: OpenPage) => page.locator('#outcome strong').first().waitFor();

/** Exports a page and gives the file's path. */
async function exported(name: string, ...args: string[]): Promise<string> {
  const path = join(folder, name);
  const { exit, err } = await dommu('explore', ...args, '--html', path);
  expect({ exit, err }).toEqual({ exit: 0, err: '' });
  return path;
}

describe('dommu explore, the command', () => {
  it('gives its page to who has the URL, and ends well with Ctrl-C', async () => {
    const serving = await serveExplorer(ARM, '--xen', '4.12');
    const { url, port } = serving;
    expect(url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/[0-9a-f]{32}/$`));
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; .*; frame-ancestors 'none'$/,
    );
    expect(await answer.text()).toContain('map_grant_ref dom0 tx guest 8');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(403);
    expect(await serving.stop()).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('keeps what a pipe gave it once', async () => {
    const pipe = join(folder, 'pipe.dommu');
    execFileSync('mkfifo', [pipe]);
    const starting = serveExplorer(pipe);
    createWriteStream(pipe).end('machine x86\ncreatedomain guest\n');
    const { url, stop } = await starting;
    for (let load = 0; load < 2; load++)
      expect(await (await fetch(url)).text()).toContain('createdomain guest');
    expect(await stop()).toBe(0);
  });

  it('refuses before it serves what it cannot open, with its place', async () => {
    const path = file('wrong.dommu', 'machine x86\ncreatedomain guest iomu\n');
    const { out, err, exit } = await dommu('explore', path);
    expect({ out, exit }).toEqual({ out: '', exit: 2 });
    expect(err).toContain(`${path}:2:20: error: `);
    const json = await dommu('explore', ARM, '--json', '--html', '-');
    expect(json.exit).toBe(2);
    expect(JSON.parse(json.out)).toMatchObject({ url: null, file: null, diagnostics: [{ file: '--html' }] });
    expect(await dommu('explore', '--html', join(folder, 'none.html'))).toMatchObject({ exit: 2 });
    expect(await dommu('explore', '-')).toMatchObject({ exit: 2 });
    expect(await dommu('explore', ARM, '--html', folder)).toMatchObject({ exit: 2 });
  });

  it('writes the same bytes for the same program, and says how many', async () => {
    const path = join(folder, 'a.html');
    const { out } = await dommu('explore', ARM, '--xen', '4.12', '--html', path, '--json');
    const once = readFileSync(path);
    expect(JSON.parse(out)).toEqual({ file: path, bytes: once.length });
    const again = await dommu('explore', ARM, '--xen', '4.12', '--html', '-');
    expect(again.out).toBe(once.toString('utf8'));
  });
});

describe.skipIf(chromiumPath === undefined)(`dommu explore, the page${needsChromium}`, () => {
  it('shows the program as it is when the page is loaded, and what is wrong with it by then', async () => {
    const path = file('edited.dommu', 'machine x86\ncreatedomain guest\n');
    const serving = await serveExplorer(path);
    const open = await visit(serving.url);
    await open.page.getByText('createdomain guest').first().waitFor();
    writeFileSync(path, 'machine x86\ncreatedomain other\ncreatedomain more\n');
    await open.page.reload();
    await open.page.getByText('createdomain more').first().waitFor();
    writeFileSync(path, 'machine x86\ncreatedomin other\n');
    await open.page.reload();
    await open.page.getByRole('alert').getByText(':2:1').waitFor();
    expect(open.errors).toEqual([]);
    await open.close();
    expect(await serving.stop()).toBe(0);
  });

  it('offers examples where nothing is given, the founding bugs first', async () => {
    const serving = await serveExplorer();
    const open = await visit(serving.url);
    const links = await open.page.getByRole('link').allTextContents();
    expect(links.slice(0, 2)).toEqual([
      'A transmit that becomes an SMMU fault (2021)',
      'A hypercall that a guest keeps from ever ending (2019)',
    ]);
    expect(await accessibilityProblems(open.page)).toEqual([]);
    await open.page.getByRole('link', { name: links[1]! }).click();
    await shown(open);
    expect(await open.page.textContent('h1')).toBe('late-enable.dommu');
    expect(open.errors).toEqual([]);
    await open.close();
    await serving.stop();
  });

  it('loads the layout of graphs from its server when the first one is drawn, and not before', async () => {
    const serving = await serveExplorer('examples/type-race.dommu');
    const open = await visit(serving.url);
    const { page, errors } = open;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await shown(open);
    await page.getByRole('tab', { name: 'States' }).click();
    expect(asked.filter((url) => url.includes('layout'))).toEqual([]);
    await page.getByRole('button', { name: 'Draw the graph' }).click();
    await page.locator('#states canvas').waitFor();
    expect(asked.filter((url) => !url.startsWith('blob:'))).toEqual([`${serving.url}explore-layout.js`]);
    expect(errors).toEqual([]);
    await open.close();
    await serving.stop();
  });

  it('loads the editor when the program’s text is first shown, and says so where its server is gone', async () => {
    const serving = await serveExplorer('examples/type-race.dommu');
    const [open, late] = [await visit(serving.url), await visit(serving.url)];
    const asked: string[] = [];
    open.page.on('request', (request) => asked.push(request.url()));
    await Promise.all([shown(open), shown(late)]);
    expect(asked.filter((url) => !url.startsWith('blob:'))).toEqual([]);
    for (const tab of ['What if?', 'Machine', 'What if?'])
      await open.page.getByRole('tab', { name: tab }).click();
    await open.page.locator('.cm-line', { hasText: 'createdomain' }).first().waitFor();
    expect(asked.filter((url) => !url.startsWith('blob:'))).toEqual([`${serving.url}explore-editor.js`]);
    expect(open.errors).toEqual([]);
    await open.close();
    await serving.stop();
    await late.page.getByRole('tab', { name: 'What if?' }).click();
    await late.page.locator('#editor', { hasText: 'The program’s text cannot be shown' }).waitFor();
    await late.page.getByRole('button', { name: 'forward' }).click();
    await late.page.locator('html[data-step="1"]').waitFor({ state: 'attached' });
    await late.close();
  });

  it('works as a file without a network, and asks nobody for anything', async () => {
    const path = await exported('offline.html', ARM, '--xen', '4.12', '--step', '5');
    const open = await visit('about:blank');
    const requests: string[] = [];
    await open.page.context().setOffline(true);
    open.page.on('request', (request) => requests.push(request.url()));
    await open.page.goto(pathToFileURL(path).href);
    await open.page.getByText('Unhandled context fault: fsr=0x402').first().waitFor();
    expect(requests.filter((url) => !/^(file|blob|data):/.test(url))).toEqual([]);
    expect(requests.length).toBeGreaterThan(0);
    expect(open.errors).toEqual([]);
    // The model arrives in the page as it was built.
    expect((await open.page.textContent('#worker'))!.replaceAll('\\x3c', '<')).toBe(
      pagePart('explore-worker.js').replaceAll('\\x3c', '<'),
    );
    await open.close();
  });

  const HOSTILE = `# </script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">
# <!--<script> $& \u2028 \u2029 \u202e TITLE POLICY STYLE DATA WORKER SCRIPT
machine arm
iommu smmu /<img/src=x/onerror=window.hacked=1>
device <b>x /x<script>window.hacked=1</script> stream=0x1
`;

  it('shows a hostile program as text, and executes none of it', async () => {
    const hostile = `${HOSTILE.split('\n').slice(0, 3).join('\n')}\ncreatedomain guest\n`;
    const path = file('<img src=x onerror="window.hacked=1">.dommu', hostile);
    const served = await serveExplorer(path);
    for (const url of [served.url, pathToFileURL(await exported('hostile.html', path)).href]) {
      const open = await visit(url);
      await shown(open);
      expect(await open.page.textContent('h1')).toBe('<img src=x onerror="window.hacked=1">.dommu');
      expect(await open.page.evaluate('[window.hacked, document.images.length]')).toEqual([undefined, 0]);
      expect(
        await open.page.evaluate('JSON.parse(document.getElementById("data").textContent).source.text'),
      ).toBe(hostile);
      expect(open.errors).toEqual([]);
      await open.close();
    }
    await served.stop();
  });

  it('tells what is wrong with a hostile program as text', async () => {
    const path = file('later.dommu', 'machine x86\n');
    const served = await serveExplorer(path);
    writeFileSync(path, HOSTILE);
    const open = await visit(served.url);
    await open.page.getByRole('alert').waitFor();
    expect(await open.page.evaluate('[window.hacked, document.images.length]')).toEqual([undefined, 0]);
    expect(open.errors).toEqual([]);
    await open.close();
    await served.stop();
  });

  it('opens a program with a line of 10 MB', async () => {
    const path = file('long.dommu', `# ${'<script>'.repeat(1_250_000)}\nmachine x86\ncreatedomain guest\n`);
    const served = await serveExplorer(path);
    const open = await visit(served.url);
    await shown(open);
    expect(open.errors).toEqual([]);
    writeFileSync(
      path,
      `machine x86\ncreatedomain ${'x'.repeat(10_000_000)}\ncreatedomain ${'y '.repeat(5_000_000)}\n`,
    );
    await open.page.reload();
    await open.page.getByRole('alert').waitFor();
    expect((await open.page.getByRole('alert').textContent())!.length).toBeLessThan(1000);
    await open.close();
    await served.stop();
  });

  it('opens a run of 100,000 steps and goes anywhere in it; how fast is printed', async () => {
    const path = file('long-run.dommu', LONG_RUN);
    const served = await serveExplorer(path);
    const open = await visit(served.url);
    await shown(open);
    const opened = await open.page.evaluate<number>('performance.now()');
    const slider = open.page.getByRole('slider', { name: 'step' });
    const length = Number(await slider.getAttribute('max'));
    expect(length).toBeGreaterThan(99_000);
    const begin = performance.now();
    const places = [length, 1, length >> 1, length - 1, 1000];
    for (const step of places) {
      await slider.fill(String(step));
      await open.page.locator(`html[data-step="${step}"]`).waitFor();
    }
    const each = (performance.now() - begin) / places.length;
    console.log(
      `${length} steps: on the screen after ${opened.toFixed(0)} ms; anywhere in ${each.toFixed(0)} ms, as told from outside`,
    );
    expect(open.errors).toEqual([]);
    await open.close();
    await served.stop();
  });
});
