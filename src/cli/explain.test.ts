import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError, PLAIN } from '../text/diagnostic.js';
import { type ExplainCommandOptions, explainLogs } from './explain.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fault = (device: string, address: string) =>
  `(XEN) [VT-D]DMAR:[DMA Write] Request device [${device}] fault addr ${address}\n(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set\n`;
const LOG = `(XEN) Xen version 4.17.3 (x)\n${fault('0000:01:00.0', '8c000')}${fault('0000:01:00.0', '8c000')}${fault('0000:02:00.0', '1000')}`;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function dommu(files: readonly string[], options: ExplainCommandOptions = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    paintOut: PLAIN,
    paintErr: PLAIN,
  };
  const exit = await explainLogs(files, options, io);
  return { out: out.join('\n'), err: err.join('\n'), exit };
}

const json = async (files: readonly string[], options: ExplainCommandOptions = {}) => {
  const { out } = await dommu(files, { ...options, json: true });
  return JSON.parse(out);
};

describe('dommu explain', () => {
  const log = file('a.log', LOG);

  it('tells who did what and why, how often, and what is probably behind it', async () => {
    const { out, exit } = await dommu([log]);
    expect(exit).toBe(1);
    expect(out).toMatch(/0000:01:00\.0 could not write to 0x8c000: /);
    expect(out).toMatch(/LGN\.2, code 0x5 \(.*§7\.1\.3/);
    expect(out).toMatch(/count +2, line 2 to 4/);
    expect(out).toMatch(/likely +1\. .* \[[a-z-]+\]\n(.*for .*\n)+.*check /);
    expect(out).toMatch(/2 different faults$/);
  });

  it('gives scripts the fields of the contract', async () => {
    const { events, files, notes, complete } = await json([log]);
    expect(events[0]).toMatchObject({
      first: { line: 2, text: '(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:01:00.0] fault addr 8c000' },
      count: 2,
      source: 'xen',
      unit: 'vtd',
      kind: 'dma-fault',
      device: '0000:01:00.0',
      domain: null,
      address: '0x8c000',
      access: 'write',
      reason: { code: 5, name: 'LGN.2' },
      bits: [],
    });
    for (const cause of events[0].causes) {
      expect(cause).toEqual({
        id: expect.stringMatching(/^[a-z][a-z0-9-]*$/),
        title: expect.any(String),
        for: expect.any(Array),
        against: expect.any(Array),
        check: expect.any(String),
      });
    }
    expect({ files, notes, complete }).toEqual({
      files: [{ name: log, lines: 7, bytes: LOG.length }],
      notes: [],
      complete: true,
    });
  });

  it('finds nothing in a log that tells of nothing, and of good things says only that they are there', async () => {
    const quiet = file('quiet.log', '(XEN) Intel VT-d Queued Invalidation enabled.\nall is well\n');
    expect(await dommu([quiet])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('nothing wrong found'),
    });
    expect(await dommu([file('empty.log', '')])).toMatchObject({ exit: 0 });
  });

  it('shows what was asked for', async () => {
    const both = (await json([log])).events.length;
    expect((await json([log], { limit: 1 })).events).toHaveLength(1);
    expect((await json([log], { device: '02:00.0' })).events).toHaveLength(1);
    expect((await json([log], { kind: ['dma-fault'] })).events).toHaveLength(2);
    expect(both).toBeGreaterThanOrEqual(2);
    expect(await dommu([log], { kind: ['interrupt-fault'] })).toMatchObject({ exit: 0 });
    expect((await dommu([log], { limit: 1 })).out).toContain('1 of them not shown (--limit)');
  });

  it('takes the release from the option', async () => {
    expect((await json([log], { xen: '4.13.2' })).machine).toMatchObject({
      edition: '4.13.2',
      editionFrom: 'given',
    });
    await expect(dommu([log], { xen: '4.99' })).rejects.toThrow(InputError);
  });

  it('reads several logs, packed ones too, and says in which a line stands', async () => {
    const packed = file('b.log.gz', gzipSync(LOG.replaceAll('01:00.0', '03:00.0')));
    const { events } = await json([log, packed]);
    const of = (device: string) => events.find((event: { device: string }) => event.device === device);
    expect(of('0000:02:00.0')).toMatchObject({ count: 2, first: { file: log }, last: { file: packed } });
    expect(of('0000:03:00.0')).toMatchObject({ count: 2, first: { file: packed, line: 2 } });
    expect((await dommu([log, packed])).out).toContain(`${packed}:2`);
  });

  it('writes what is wrong as SARIF', async () => {
    const sarif = join(folder, 'a.sarif');
    await dommu([log], { sarif });
    const { runs } = JSON.parse(readFileSync(sarif, 'utf8'));
    expect(runs[0].results).toHaveLength(2);
    expect(runs[0].results[0]).toMatchObject({
      ruleId: 'dma-fault',
      occurrenceCount: 2,
      locations: [
        { physicalLocation: { artifactLocation: { uri: `file://${log}` }, region: { startLine: 2 } } },
      ],
    });
    await expect(dommu([log], { sarif: join(folder, 'no', 'such.sarif') })).rejects.toThrow(InputError);
  });

  it('offers the shortest program that ends in the fault, or says why there is none', async () => {
    const { events } = await json([log], { program: true, device: '02:00.0' });
    expect(events[0].program.text).toContain('0000:02:00.0');
    expect((await dommu([log], { program: true, device: '02:00.0' })).out).toContain(
      'expect fault "reason 05"',
    );
  });

  it('reads a config and refuses one that xl refuses', async () => {
    const good = file('guest.cfg', 'name = "guest"\nmemory = 512\npci = ["01:00.0"]\n');
    expect((await dommu([log], { config: good })).exit).toBe(1);
    await expect(dommu([log], { config: file('bad.cfg', 'name = [') })).rejects.toThrow(InputError);
  });

  it('refuses what is missing or no log before it reads anything', async () => {
    for (const bad of [join(folder, 'missing.log'), folder]) {
      await expect(dommu([log, bad]), bad).rejects.toThrow(InputError);
    }
    await expect(dommu(['-', '-'])).rejects.toThrow(InputError);
    await expect(dommu([file('broken.gz', 'no gzip')])).rejects.toThrow(InputError);
  });

  it('tells what it has found when it is interrupted while it waits for more', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Kept open for reading and writing: the log does not end.
    const end = openSync(pipe, 'r+');
    writeSync(end, LOG);
    const result = json([pipe]);
    setTimeout(() => process.emit('SIGINT'), 300);
    expect(await result).toMatchObject({
      complete: false,
      notes: [expect.stringContaining('ended before')],
      events: expect.arrayContaining([expect.objectContaining({ device: '0000:02:00.0' })]),
    });
    closeSync(end);
  });

  it('knows the regions of an ACPI table that is given beside the log', async () => {
    const fault = `(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:02.0] fault addr 7b800000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set`;
    const first = async (options: object) =>
      (await json([file('fault.log', fault)], options)).events[0].causes[0] as { id: string; for: string[] };
    expect((await first({})).id).not.toBe('reserved-region-not-mapped');
    expect(await first({ acpi: ['examples/acpi/laptop-dmar.txt'] })).toMatchObject({
      id: 'reserved-region-not-mapped',
      for: [expect.stringContaining('declared for 0000:00:02.0 (the ACPI table)')],
    });
  });

  it('says what it did not read', async () => {
    const long = file('long.log', `${'x'.repeat(70_000)}\n${LOG}`);
    expect((await json([long])).notes).toEqual([
      `${long}: one line is longer than 64 KiB, and the rest was not read`,
    ]);
  });
});

describe('the command', () => {
  const run = (...args: string[]) =>
    spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'explain', ...args], {
      env: { ...process.env, NO_COLOR: '1' },
    });
  const ended = (child: ReturnType<typeof run>) =>
    new Promise<{ out: string; exit: number | null }>((resolve) => {
      let out = '';
      child.stdout.on('data', (chunk) => (out += chunk));
      child.on('close', (exit) => resolve({ out, exit }));
    });

  it('reads the standard input', async () => {
    const child = run('--json');
    child.stdin.end(LOG);
    const { out, exit } = await ended(child);
    expect(exit).toBe(1);
    expect(JSON.parse(out).events.length).toBeGreaterThanOrEqual(2);
  });

  it('says what is wrong with the usage in the form that was asked for', async () => {
    const { out, exit } = await ended(run('--json', '--kind', 'nothing', 'x'));
    expect(exit).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ diagnostics: [{ code: 'usage' }] });
  });
});
