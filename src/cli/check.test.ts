import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { PLAIN } from '../text/diagnostic.js';
import { type CheckOptions, type ConfigReport, registerCheck } from './check.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-check-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.exitCode = undefined;
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const config = (name: string, text: string): string =>
  file(`${name}.cfg`, `name = "${name}"\nkernel = "/vmlinuz"\n${text}\n`);

/** Runs `dommu check` as the command line does. */
function run(...args: string[]): { out: string; err: string; exit: number | string | undefined } {
  const out: string[] = [];
  const err: string[] = [];
  const program = new Command('dommu').exitOverride();
  registerCheck(program, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    paintOut: PLAIN,
    paintErr: PLAIN,
  });
  program.parse(['node', 'dommu', 'check', ...args]);
  return { out: out.join('\n'), err: err.join('\n'), exit: process.exitCode };
}

interface Report {
  readonly configs: readonly ConfigReport[];
  readonly diagnostics: ConfigReport['diagnostics'];
}

const json = (...args: string[]): Report & { exit: unknown } => {
  const { out, err, exit } = run('--json', ...args);
  expect(err).toBe('');
  return { ...(JSON.parse(out) as Report), exit };
};

describe('dommu check', () => {
  it('prints what a domain asks for, what it gets and why', () => {
    const path = config('web', "pci = ['03:00.0']");
    const { out, err, exit } = run(path);
    expect(exit).toBe(0);
    expect(err).toBe('');
    expect(out).toContain(`${path}: web (pv)`);
    expect(out).toMatch(/passthrough +default -> sync_pt, declared through its devices/);
    expect(out).toMatch(/context +split/);
    expect(out).toMatch(/flags +iommu/);
    expect(out).toMatch(/iommu_opts +no_sharept/);
    expect(out).toMatch(/why +passthrough is not set and pci= lists 1 device, so libxl enables it\./);
  });

  it('says the same in JSON', () => {
    const path = config('json', "pci = ['03:00.0']");
    const { configs, exit } = json(path);
    expect(exit).toBe(0);
    expect(configs).toHaveLength(1);
    expect(configs[0]).toMatchObject({
      file: path,
      name: 'json',
      type: 'pv',
      passthrough: { requested: 'default', effective: 'sync_pt' },
      declared: 'devices',
      context: 'split',
      flags: ['iommu'],
      iommuOpts: ['no_sharept'],
      diagnostics: [],
    });
  });

  it('exits with 1 when a domain would not start, and shows the place', () => {
    const path = config('share', 'passthrough = "share_pt"');
    const { out, exit } = run(path);
    expect(exit).toBe(1);
    expect(out).toContain('would not start');
    expect(out).toContain(`${path}:3:15: error: passthrough="share_pt" not valid for PV domain`);
    expect(out).toContain('^^^^^^^^^^');
    const [report] = json(path).configs;
    expect(report).toMatchObject({
      passthrough: { requested: 'share_pt', effective: null },
      declared: 'passthrough',
      context: 'none',
      flags: [],
      iommuOpts: [],
      diagnostics: [{ severity: 'error', code: 'share-pt-impossible', file: path, line: 3, column: 15 }],
    });
  });

  const BAD: readonly [string, () => string, string, RegExp][] = [
    ['a missing file', () => join(folder, 'nowhere.cfg'), 'no-such-file', /:1:1: error: no such file/],
    ['a directory', () => folder, 'is-directory', /is a directory/],
    ['a binary file', () => file('binary.cfg', Uint8Array.of(0x7f, 0x45, 0)), 'binary', /binary/],
    ['100 MB', () => file('big.cfg', Buffer.alloc(100_000_000, 'a')), 'too-large', /MiB/],
    ['an unterminated string', () => config('s', 'memory = "5'), 'unterminated-string', /:3:10: error/],
    ['an unterminated list', () => config('l', 'pci = ["03:00.0",'), 'unterminated-list', /:3:7: error/],
    ['a duplicate key', () => config('d', 'memory=1\nmemory=2'), 'duplicate-key', /:4:1: error/],
    [
      'a malformed address',
      () => config('b', "pci = ['0b::00.1']"),
      'malformed-bdf',
      /:3:12: error.*\n.*\n.* {11}\^/,
    ],
    [
      'an unknown key',
      () => config('k', 'pasthrough = "enabled"'),
      'unknown-key',
      /did you mean `passthrough`\?/,
    ],
    ['an unknown passthrough', () => config('p', 'passthrough = "on"'), 'unknown-passthrough', /:3:15/],
    ['no name', () => file('n.cfg', 'kernel = "/k"\n'), 'no-name', /must be specified/],
  ];

  it.each(BAD)('exits with 2 for %s and says where', (_, make, code, message) => {
    const path = make();
    const { out, err, exit } = run(path);
    expect(exit).toBe(2);
    expect(err).toMatch(message);
    expect(out).not.toContain('error:');
    const report = json(path);
    expect(report.exit).toBe(2);
    expect(report.configs[0]).toMatchObject({ file: path, passthrough: { effective: null } });
    expect(report.configs[0]?.diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
  });

  it('checks all files, and the worst decides the exit code', () => {
    const [good, refused, bad] = [config('g', ''), config('r', 'passthrough="share_pt"'), config('x', '=')];
    const { configs, exit } = json(bad, good, refused);
    expect(exit).toBe(2);
    expect(configs.map(({ file: path }) => path)).toEqual([bad, good, refused]);
    expect(configs[1]).toMatchObject({ context: 'none', passthrough: { effective: 'disabled' } });
    expect(json(good, refused).exit).toBe(1);
    expect(json(good).exit).toBe(0);
  });

  const USAGE: readonly [CheckOptions & Record<string, string>, RegExp][] = [
    [{ xen: '4.10' }, /unknown Xen release `4\.10`; expected one of 4\.11/],
    [{ iommu: 'vt-d' }, /did you mean `vtd`/],
    [{ arch: 'arm', iommu: 'vtd' }, /no arm host has `vtd`/],
    [{ host: '/nonexistent/xl-info' }, /no such file/],
  ];

  it.each(USAGE)('exits with 2 for the options %j', (options, message) => {
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const path = config('u', '');
    const { err, exit } = run(...args, path);
    expect(exit).toBe(2);
    expect(err).toMatch(message);
    expect(json(...args, path)).toMatchObject({ configs: [], exit: 2, diagnostics: [{ severity: 'error' }] });
  });

  it('takes the host, its release and its command line from xl info', () => {
    const info = file(
      'xl-info.txt',
      'machine : x86_64\nvirt_caps : pv hvm hvm_directio pv_directio hap\nxen_version : 4.17.7\n' +
        'xen_commandline : console=com1 iommu=verbose,no-sharpt dom0-iommu=strict\n',
    );
    const path = config('info', 'type = "hvm"\npassthrough = "enabled"');
    const { out, exit } = run('--host', info, path);
    expect(exit).toBe(0);
    expect(out).toMatch(/Xen 4\.17\.7, .*dom0 strict/);
    expect(out).toContain(`${info}:4:46: warning`);
    expect(out).toMatch(/context +split/);
    expect(run('--host', info, '--iommu', 'vtd', path)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('leave out --iommu'),
    });
    expect(run('--host', path, path)).toMatchObject({ exit: 2, err: expect.stringContaining('virt_caps') });
  });

  it('asks what another command line of Xen would change', () => {
    const path = config('what-if', 'type = "hvm"\npassthrough = "enabled"');
    expect(json(path).configs[0]?.context).toBe('shared');
    expect(json('--cmdline', 'iommu=no-sharept', path).configs[0]?.context).toBe('split');
    expect(json('--cmdline', 'iommu=off', path)).toMatchObject({ exit: 1 });
    const panics = json('--cmdline', 'iommu=off,force', config('plain', ''));
    expect(panics).toMatchObject({ exit: 1, diagnostics: [{ code: 'iommu-required' }] });
  });

  it('tells how a release before passthrough= goes about it', () => {
    const path = config('late', 'passthrough = "enabled"\npci = ["03:00.0"]');
    const { configs, exit } = json('--xen', '4.12', path);
    expect(exit).toBe(0);
    expect(configs[0]).toMatchObject({ context: 'none', lateContext: 'split', declared: 'devices' });
    expect(configs[0]?.diagnostics).toMatchObject([
      { severity: 'warning', code: 'passthrough-not-in-release' },
    ]);
    expect(run('--xen', '4.12', path).out).toContain('none at creation, split once a device is assigned');
  });

  it('does not let a config write to the terminal', () => {
    const { err } = run(config('escape', 'a\u001b[31m = 1'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(err).not.toMatch(/\u001b/);
  });

  it('reads the examples', () => {
    const { configs, exit } = json(
      'examples/guest-pv-nic.cfg',
      'examples/guest-hvm-share.cfg',
      'examples/guest-pvh.cfg',
    );
    expect(exit).toBe(0);
    expect(configs.map(({ name, type, context }) => [name, type, context])).toEqual([
      ['firewall', 'pv', 'split'],
      ['storage', 'hvm', 'shared'],
      ['web', 'pvh', 'none'],
    ]);
    expect(configs.flatMap(({ diagnostics }) => diagnostics)).toEqual([]);
    expect(json('--arch', 'arm', 'examples/arm-guest.cfg').configs[0]).toMatchObject({ context: 'shared' });
  });

  it('needs a file', () => {
    expect(() => run()).toThrow(/missing required argument/);
  });
});
