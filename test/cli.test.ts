import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLAIN } from '../src/text/diagnostic.js';

type CommandLine = typeof import('../src/cli/command-line.js');

const root = resolve(import.meta.dirname, '..');
// The tool as it is installed: compiled, below node_modules, beside its package.json.
const built = mkdtempSync(join(root, 'node_modules', '.dommu-cli-'));
const main = join(built, 'dist', 'cli', 'main.js');
const commandLine = join(built, 'dist', 'cli', 'command-line.js');
const folder = mkdtempSync(join(tmpdir(), 'dommu-cli-'));

beforeAll(() => {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(built, 'dist')], { cwd: root });
  copyFileSync(join(root, 'package.json'), join(built, 'package.json'));
  for (const name of ['suites', 'examples']) cpSync(join(root, name), join(built, name), { recursive: true });
}, 120_000);
afterAll(() => {
  rmSync(built, { recursive: true });
  rmSync(folder, { recursive: true });
});

interface Result {
  readonly out: string;
  readonly err: string;
  readonly exit: number | null;
}

interface Options {
  readonly input?: string;
  /** Milliseconds after which Ctrl-C is pressed. */
  readonly interruptAfter?: number;
}

/**
 * Performs a command line of the compiled tool in this process, where its modules are loaded once; one at a time, for it sets
 * the process's exit code.
 */
async function dommu(args: readonly string[]): Promise<Result> {
  const [out, err]: [string[], string[]] = [[], []];
  const { performCommandLine } = (await import(pathToFileURL(commandLine).href)) as CommandLine;
  try {
    await performCommandLine(args, {
      out: (line) => void out.push(`${line}\n`),
      err: (line) => void err.push(`${line}\n`),
      paintOut: PLAIN,
      paintErr: PLAIN,
    });
    return { out: out.join(''), err: err.join(''), exit: Number(process.exitCode) };
  } finally {
    process.exitCode = undefined;
  }
}

/** Starts the tool: for its exit code, its streams and signals as whoever calls it sees them. */
function started(args: readonly string[], { input = '', interruptAfter }: Options = {}): Promise<Result> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: root,
    env: { ...process.env, FORCE_COLOR: '1' },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.on('error', () => {}).end(input);
  if (interruptAfter !== undefined) setTimeout(() => child.kill('SIGINT'), interruptAfter);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (exit) => done({ out, err, exit }));
  });
}

/** The one JSON object that a command prints on stdout. */
// biome-ignore lint/suspicious/noExplicitAny: what scripts see has no type
async function json(args: readonly string[], perform = dommu): Promise<{ object: any } & Result> {
  const result = await perform([...args, '--json']);
  return { object: JSON.parse(result.out), ...result };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const config = (name: string, text: string): string =>
  file(`${name}.cfg`, `name = "${name}"\nkernel = "/vmlinuz"\n${text}\n`);
const program = (name: string, text: string): string => file(`${name}.dommu`, text);

const NIC = 'examples/guest-pv-nic.cfg';
const ARM = 'examples/arm-grant-fault.dommu';
const UNTYPED = 'examples/untyped-page-dma.dommu';

describe('what scripts get', () => {
  it('check: one report a config', async () => {
    const { object, exit, err } = await json(['check', NIC, 'examples/guest-pvh.cfg']);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(object.configs).toHaveLength(2);
    expect(object.configs[0]).toMatchObject({
      file: NIC,
      name: 'firewall',
      type: 'pv',
      passthrough: { requested: 'default', effective: 'sync_pt' },
      declared: 'devices',
      context: 'split',
      flags: ['iommu'],
      iommuOpts: ['no_sharept'],
      diagnostics: [],
    });
  });

  it('check: 1 for a domain that would not start', async () => {
    const { object, exit } = await json(['check', config('refused', 'passthrough = "share_pt"')]);
    expect(exit).toBe(1);
    expect(object.configs[0].diagnostics[0]).toMatchObject({
      severity: 'error',
      code: 'share-pt-impossible',
      message: expect.any(String),
      file: expect.stringContaining('refused.cfg'),
      line: 3,
      column: 15,
    });
  });

  it('run: the steps, the faults in the words of the log', async () => {
    const { object, exit, err } = await json(['run', ARM, '--xen', '4.12']);
    expect({ exit, err }).toEqual({ exit: 1, err: '' });
    expect(object).toMatchObject({ edition: '4.12', failed: true });
    for (const [index, step] of object.steps.entries()) {
      expect(step).toMatchObject({
        index,
        line: expect.any(Number),
        op: expect.any(String),
        status: expect.any(String),
        changes: expect.any(Array),
        faults: expect.any(Array),
      });
    }
    const faults = object.steps.flatMap((step: { faults: { text: string }[] }) => step.faults);
    expect(faults[0].text).toBe(
      'smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0',
    );
  });

  it('run: 0 where all is as expected', async () => {
    expect(await json(['run', ARM, '--xen', '4.15'])).toMatchObject({ exit: 0, object: { failed: false } });
    expect(await json(['run', ARM, '--xen', '4.15', '--check'])).toMatchObject({ object: { failed: false } });
    const unchecked = await dommu(['run', ARM, '--xen', '4.12', '--no-check']);
    expect(unchecked.out).not.toContain('I19');
  });

  it('verify: the verdict, the bounds, the figures', async () => {
    const { object, exit, err } = await json(['verify', NIC, '--pages', '1']);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(object).toMatchObject({
      verdict: 'safe',
      edition: '4.22',
      bounds: { pages: 1, levels: [1, 4], refs: 1 },
      states: expect.any(Number),
      transitions: expect.any(Number),
      depth: expect.any(Number),
      seconds: expect.any(Number),
      violations: [],
    });
  });

  it('verify: counterexamples as programs that `run` replays', async () => {
    const args = ['verify', NIC, '--xen', '4.11', '--first', '--out', folder];
    const { object, exit } = await json(args);
    expect(exit).toBe(1);
    expect(object).toMatchObject({ verdict: 'unsafe', edition: '4.11.0' });
    for (const { invariant, message, program: text, file: path } of object.violations) {
      expect(message).toContain('0x10');
      expect(readFileSync(path, 'utf8')).toBe(text);
      const { object: replay, exit: code } = await json(['run', path]);
      expect(code).toBe(1);
      const broken = replay.steps.flatMap((step: { violations: { invariant: string }[] }) => step.violations);
      expect(broken.map((one: { invariant: string }) => one.invariant)).toContain(invariant);
    }
  });

  it('verify: a livelock as a loop that `run` replays, for ever in ITF, too', async () => {
    const out = join(folder, 'loop');
    mkdirSync(out);
    const scene = 'examples/late-enable-scene.dommu';
    const { object, exit } = await json(['verify', scene, '--xen', 'late-enable', '--out', out, '--itf']);
    expect({ exit, verdict: object.verdict }).toEqual({ exit: 1, verdict: 'livelock' });
    expect(object.livelocks).toMatchObject({ fair: 'vcpus', found: 1, interruptible: true });
    const [{ kind, invariant, loop, length, steps, program: text, file: path }] = object.violations;
    expect({ kind, invariant, loop, length }).toEqual({
      kind: 'livelock',
      invariant: 'livelock',
      loop: 4,
      length: 9,
    });
    expect(steps[loop].op).toBe('step');
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(text).toMatch(/^# A hypercall that never ends on Xen late-enable: assign_device of d0 /);
    const { object: replay, exit: code } = await json(['run', path]);
    expect([code, replay.steps.at(-1).status]).toEqual([1, 'livelock']);
    const trace = JSON.parse(readFileSync(path.replace(/dommu$/, 'itf.json'), 'utf8'));
    expect([trace.states.length, trace.loop]).toEqual([9, 2]);
    expect(trace.states.map(({ step }: { step: string }) => step).slice(0, 2)).toEqual([
      'init',
      'begin assign_device guest nic',
    ]);
  });

  it('verify: no livelock only where everything was searched, and nothing to look for said', async () => {
    const scene = 'examples/late-enable-scene.dommu';
    const { object, exit } = await json(['verify', scene, '--xen', 'up-front', '--fair', 'none']);
    expect({ exit, verdict: object.verdict }).toEqual({ exit: 0, verdict: 'safe' });
    expect(object.livelocks).toMatchObject({ fair: 'none', found: 0, undecided: null, interruptible: false });
    const cut = await json(['verify', scene, '--xen', 'late-enable', '--max-states', '50']);
    expect({ exit: cut.exit, verdict: cut.object.verdict }).toEqual({ exit: 0, verdict: 'bounded' });
  });

  it('verify: "bounded" and 0 where a bound ended the search', async () => {
    for (const bound of [
      ['--max-states', '20'],
      ['--max-depth', '1'],
      ['--max-memory', '1k'],
    ]) {
      const { object, exit } = await json(['verify', NIC, '--pages', '1', ...bound]);
      expect({ exit, verdict: object.verdict }).toEqual({ exit: 0, verdict: 'bounded' });
    }
  });

  it('affected: releases, what decides, the worst, the trailers', async () => {
    const { object, exit, err } = await json(['affected', ARM]);
    expect({ exit, err }).toEqual({ exit: 1, err: '' });
    const of = (name: string) => object.editions.find(({ edition }: { edition: string }) => edition === name);
    expect(of('4.12')).toMatchObject({ affected: true, deciding: [{ behaviour: 'armGrantNeedsIommu' }] });
    expect(of('4.13.3')).toMatchObject({ affected: false });
    expect(object).toMatchObject({
      worst: 'mapping lost',
      trailers: {
        fixes: [
          'Fixes: 91d4eca7add6 ("mm / iommu: split need_iommu() into has_iommu_pt() and need_iommu_pt_sync()")',
        ],
        backport: 'Backport: 4.12+',
      },
    });
  });

  it('affected: 0 and null where no release is', async () => {
    const { object, exit } = await json(['affected', 'examples/three-checks.dommu']);
    expect(exit).toBe(0);
    expect(object).toMatchObject({ worst: null, trailers: { fixes: [], backport: null } });
  });
});

describe('what scripts get of editions', () => {
  it('all of them: releases, point releases, the development tree, the designs', async () => {
    const { object, exit, err } = await json(['editions']);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const of = (name: string) => object.editions.find((one: { name: string }) => one.name === name);
    expect(of('4.11.0')).toMatchObject({ kind: 'release', before: null });
    expect(of('4.13.3')).toMatchObject({
      before: '4.13.2',
      changed: expect.arrayContaining(['armGrantNeedsIommu', 'selfGrant']),
    });
    expect(of('staging')).toMatchObject({ kind: 'staging', before: '4.22' });
    expect(of('up-front')).toMatchObject({ kind: 'design', before: '4.22' });
  });

  it('one: each behaviour with its value, its meaning and the commit', async () => {
    const { object, exit } = await json(['editions', '4.14.2']);
    expect({ exit, edition: object.edition }).toEqual({ exit: 0, edition: '4.14.2' });
    const of = (name: string) =>
      object.behaviours.find((one: { behaviour: string }) => one.behaviour === name);
    expect(of('armGrantNeedsIommu')).toMatchObject({
      part: 'xen',
      section: '§5.3',
      value: 'CDF_iommu',
      meaning: 'when the domain has an IOMMU',
      since: { commit: '04085ec1ac05', release: '4.15.0', arrived: '4.14.2' },
    });
    expect(of('noHandleStatus')).toMatchObject({ value: 'no_device_space', since: null });
    expect(of('pciSpec')).toMatchObject({ part: 'toolstack', value: 'positional' });
  });

  it('two: what differs, and by which commits', async () => {
    const { object, exit } = await json(['editions', '--diff', '4.12', '4.13']);
    expect({ exit, from: object.from, to: object.to }).toEqual({ exit: 0, from: '4.12', to: '4.13' });
    expect(object.changes).toContainEqual(
      expect.objectContaining({
        behaviour: 'iommuContext',
        from: 'at-first-assignment',
        to: 'at-creation',
        by: [expect.objectContaining({ commit: 'f89f555827a6', release: '4.13.0' })],
      }),
    );
    const designs = await json(['editions', '--diff', 'late-enable', 'up-front']);
    expect(designs.object.changes).toContainEqual(
      expect.objectContaining({ behaviour: 'iommuContext', byDesign: true, by: [] }),
    );
  });

  it('a behaviour over all releases', async () => {
    const { object } = await json(['editions', '--behaviour', 'armGrantNeedsIommu']);
    const values = object.releases.map((one: { edition: string; value: string }) => [one.edition, one.value]);
    expect(values.slice(0, 6)).toEqual([
      ['4.11.0', 'need_iommu'],
      ['4.12', 'need_sync'],
      ['4.13', 'need_sync'],
      ['4.13.3', 'CDF_iommu'],
      ['4.14', 'need_sync'],
      ['4.14.2', 'CDF_iommu'],
    ]);
  });
});

describe('what scripts get of coverage', () => {
  it('one program: the rules it reaches, and 0 whatever it leaves out', async () => {
    const taken = 'examples/errnos/createdomain-EEXIST-domid.dommu';
    const { object, exit, err } = await json(['coverage', taken]);
    expect({ exit, err, programs: object.programs }).toEqual({ exit: 0, err: '', programs: 1 });
    const of = (status: string) =>
      object.rules.find(
        (one: { id: string; status: string }) => one.id.includes('it is in use') && one.status === status,
      );
    expect(of('EEXIST')).toMatchObject({
      section: '§2.2',
      fn: 'chooseDomid',
      by: ['programs'],
      releases: '≥4.14',
    });
    expect(of('EINVAL')).toMatchObject({ by: [], excuse: null });
    expect(object.missing.length).toBeGreaterThan(0);
  });

  it('what a conformance run has met', async () => {
    const met = '§6.6 destroy: oneself → EINVAL';
    const report = file('report.json', JSON.stringify({ coverage: { met: [met] } }));
    const { object } = await json(['coverage', 'examples/three-checks.dommu', '--conform', report]);
    const found = object.rules.find((one: { id: string }) => one.id === '§6.6 destroy: oneself');
    expect(found.by).toEqual(['conform']);
  });
});

describe('what people get', () => {
  const ESCAPE = '\u001b';

  it('help with an example, of every command', async () => {
    const { out, exit } = await dommu(['--help']);
    expect(exit).toBe(0);
    const commands = [...out.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name!);
    expect(commands).toEqual(
      expect.arrayContaining([
        'verify',
        'check',
        'run',
        'affected',
        'editions',
        'coverage',
        'lab',
        'conform',
      ]),
    );
    for (const command of commands.filter((name) => name !== 'help')) {
      const help = await dommu([command, '--help']);
      expect(help).toMatchObject({ exit: 0, err: '' });
      expect(help.out).toContain(`$ dommu ${command} `);
      expect(help.out).toMatch(/Exit codes?:/);
      // What a lab can do is commands of its own.
      if (command !== 'lab') expect(help.out).toContain('--json');
    }
    for (const command of ['build', 'up', 'down', 'list', 'exec']) {
      const help = await dommu(['lab', command, '--help']);
      expect(help).toMatchObject({ exit: 0, err: '', out: expect.stringContaining('--json') });
    }
  });

  it.concurrent('no colours where nobody looks', async () => {
    for (const args of [
      ['run', UNTYPED, '--xen', '4.11.0'],
      ['verify', NIC, '--pages', '1'],
      ['affected', ARM],
      ['check', NIC],
      ['run', 'nowhere'],
    ]) {
      const { out, err } = await started(args);
      expect(out + err).not.toContain(ESCAPE);
    }
  });

  it('the verdict, with its bounds and its figures', async () => {
    const { out, exit } = await dommu(['verify', NIC, '--pages', '1']);
    expect(exit).toBe(0);
    expect(out).toMatch(/^safe: no behaviour within these bounds breaks an invariant$/m);
    expect(out).toMatch(/searched +[\d,]+ states, [\d,]+ transitions, depth \d+/);
    expect(out).toMatch(/bounds +1 page/);
  });

  it('never the word "safe" for a search that was not completed', async () => {
    const { out } = await dommu(['verify', NIC, '--max-states', '50']);
    expect(out).toMatch(/^bounded: .*--max-states/m);
    expect(out).not.toMatch(/\bsafe\b/);
  });

  it('the log lines of a fault as Xen prints them', async () => {
    const { out, exit } = await dommu(['run', ARM, '--xen', '4.12']);
    expect(exit).toBe(1);
    expect(out).toContain(
      '(XEN) smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0\n',
    );
  });

  it('trailers that can be pasted into a patch', async () => {
    const { out } = await dommu(['affected', ARM]);
    expect(out).toMatch(/^Fixes: 91d4eca7add6 \("mm \/ iommu: split/m);
    expect(out).toMatch(/^Backport: 4\.12\+$/m);
  });

  it('no counterexample files when none are wanted', async () => {
    const quiet = mkdtempSync(join(folder, 'quiet-'));
    const { exit } = await dommu(['verify', NIC, '--xen', '4.11', '--first', '--no-write', '--out', quiet]);
    expect(exit).toBe(1);
    expect(readdirSync(quiet)).toEqual([]);
  });

  it.concurrent('programs and configs from the standard input', async () => {
    const input = readFileSync(join(root, ARM), 'utf8');
    expect((await started(['run', '-', '--xen', '4.15'], { input })).exit).toBe(0);
    expect(await started(['run', '-'], { input: 'pin\n' })).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/^-:1:1: error: /),
    });
  });
});

/** A command line, the place and the words of its complaint. */
type Bad = readonly [what: string, args: () => string[], complaint: RegExp];

const BAD: readonly Bad[] = [
  ['a program that is not there', () => ['run', 'nowhere.dommu'], /^nowhere\.dommu:1:1: error: no such file/],
  ['a config that is not there', () => ['verify', 'nowhere.cfg'], /^nowhere\.cfg:1:1: error: no such file/],
  ['a directory', () => ['run', 'src'], /^src:1:1: error: is a directory/],
  ['a directory for a config', () => ['verify', 'src'], /^src:1:1: error: is a directory/],
  ['a device', () => ['verify', '/dev/zero'], /^\/dev\/zero:1:1: error: is neither a file nor a pipe/],
  ['a binary file', () => ['verify', file('binary.cfg', Uint8Array.of(127, 69, 0))], /is a binary file/],
  ['a binary program', () => ['affected', file('b.dommu', Uint8Array.of(127, 0))], /is a binary file/],
  ['100 MB', () => ['verify', file('big.cfg', Buffer.alloc(1e8, 'a'))], /is 96 MiB; .* at most 16 MiB/],
  ['an unterminated string', () => ['verify', config('string', 'memory = "5')], /string\.cfg:3:10: error/],
  ['an unterminated list', () => ['verify', config('list', 'pci = ["03:00.0",')], /list\.cfg:3:7: error/],
  ['a duplicate key', () => ['verify', config('twice', 'memory=1\nmemory=2')], /twice\.cfg:4:1: error/],
  [
    'a malformed BDF',
    () => ['verify', config('bdf', "pci = ['0b::00.1']")],
    /bdf\.cfg:3:12: error.*\n.*\n.*\^/,
  ],
  [
    'an unknown key',
    () => ['verify', config('typo', 'pasthrough = "enabled"')],
    /typo\.cfg:3:1: .*`pasthrough`.*did you mean `passthrough`\?/,
  ],
  [
    'an unknown release',
    () => ['run', ARM, '--xen', '4.10'],
    /^--xen: error: unknown Xen release `4\.10`.*4\.11/,
  ],
  ['an unknown design', () => ['verify', NIC, '--xen', 'up-frnt'], /did you mean `up-front`/],
  [
    'an unknown operation',
    () => ['run', program('op', 'machine x86\npin_l1 dom0 0x100\n')],
    /op\.dommu:2:1: error: .*`pin_l1`[\s\S]*pin_l1_table/,
  ],
  [
    'a domain that does not exist',
    () => ['run', program('domain', 'createdomain guest\npin_l1_table gest 0x100\n')],
    /domain\.dommu:2:14: error: unknown domain `gest`[\s\S]*did you mean `guest`/,
  ],
  [
    'a frame beyond the machine',
    () => ['affected', program('frame', 'ram 0x100..0x10f\npin_l1_table dom0 0x110\n')],
    /frame\.dommu:2:19: error: frame 0x110 is beyond[\s\S]*0x100\.\.0x10f/,
  ],
  ['broken JSON', () => ['run', file('broken.json', '{"machine": {')], /broken\.json:1:\d+: error/],
  ['an unknown option', () => ['run', ARM, '--jsn'], /unknown option '--jsn'[\s\S]*--json/],
  ['an unknown command', () => ['verfy', NIC], /unknown command 'verfy'[\s\S]*verify/],
  ['no file', () => ['affected'], /missing required argument 'file'/],
  ['a report that is none', () => ['coverage', '--conform', ARM], /^--conform: error: .* is no report/],
  ['an edition that is none', () => ['editions', '4.99'], /^EDITION: error: unknown Xen release `4\.99`/],
  ['a misspelt design', () => ['editions', 'late-enabel'], /did you mean `late-enable`/],
  [
    'one edition to compare',
    () => ['editions', '--diff', '4.12'],
    /^--diff: error: takes two editions, found 1/,
  ],
  [
    'a misspelt behaviour',
    () => ['editions', '--behaviour', 'quarantin'],
    /^--behaviour: error: `quarantin`.*did you mean `quarantine`/,
  ],
  ['no workers', () => ['verify', NIC, '--workers', '0'], /whole number from 1 to 64/],
  ['too many workers', () => ['verify', NIC, '--workers', '1000'], /whole number from 1 to 64/],
  [
    'a checkpoint that is not there',
    () => ['verify', NIC, '--resume', join(folder, 'none')],
    /cannot be read \(ENOENT\)/,
  ],
  ['a checkpoint that is none', () => ['verify', NIC, '--resume', NIC], /this is no checkpoint of dommu/],
  [
    'a checkpoint where none can be written',
    () => ['verify', NIC, '--checkpoint', join(folder, 'none', 'x')],
    /the checkpoint cannot be written \(ENOENT\)/,
  ],
  ['a bound that is no number', () => ['verify', NIC, '--pages', 'two'], /whole number from 1 to 512/],
  ['an unknown IOMMU', () => ['verify', NIC, '--iommu', 'vt-d'], /--iommu.*vt-d.*vtd/],
  [
    'a suite that is not there',
    () => ['conform', '--suite', 'grant'],
    /^--suite: error:.*did you mean `grants`/,
  ],
  [
    'a file besides suites',
    () => ['conform', ARM, '--suite', 'grants'],
    /^--suite: error: .*say one of them/,
  ],
  [
    'another mode of dom0',
    () => ['conform', '--dom0-iommu', 'lax'],
    /^--dom0-iommu: error: `lax`.*relaxed, strict/,
  ],
  ['an IOMMU that no lab has', () => ['conform', '--iommu', 'foo'], /^--iommu: error: `foo`.*vtd, amdvi/],
  [
    'a program for conform that is not there',
    () => ['conform', 'no.dommu'],
    /^no\.dommu:1:1: error: no such file/,
  ],
  [
    'a release that is none',
    () => ['conform', ARM, '--edition', '4.99'],
    /^--edition: error: unknown Xen release/,
  ],
  ['too many random programs', () => ['conform', '--programs', '1e9'], /whole number from 0 to 1000000/],
  [
    'a device without --here',
    () => ['conform', '--device', '03:00.0'],
    /^--device: error: .*goes with --here/,
  ],
  [
    'a lab and what to boot',
    () => ['conform', '--lab', 'x', '--xen', 'xen.gz'],
    /^--xen: error: --lab names a machine/,
  ],
  ['a lab and this host', () => ['conform', '--lab', 'x', '--here'], /^--lab: error: .*say one of them/],
  [
    'a lab that is not up',
    () => ['conform', ARM, '--lab', 'nobodys'],
    /^lab: error: no lab named nobodys is running/,
  ],
  [
    'a host that is no dom0',
    () => ['conform', ARM, '--here'],
    /^lab: error: this host does not run on Xen[\s\S]*--here/,
  ],
  [
    'a report where none can be written',
    () => ['conform', ARM, '--junit', join(folder, 'no', 'where.xml')],
    /^--junit: error: .*cannot be written/,
  ],
  [
    'a file for a folder of divergences',
    () => ['conform', ARM, '--out', file('taken', '')],
    /^--out: error: .*taken cannot be written/,
  ],
  [
    'a program for a lab that is not there',
    () => ['lab', 'exec', 'no.dommu'],
    /^no\.dommu:1:1: error: no such file/,
  ],
  [
    'a lab for a program that is not up',
    () => ['lab', 'exec', ARM, '--name', 'nobodys'],
    /no lab named nobodys/,
  ],
  ['more to try than fits', () => ['verify', NIC, '--pages', '512', '--entries', '16'], /^--pages: error/],
  [
    'a folder for counterexamples that is not there',
    () => ['verify', NIC, '--xen', '4.11', '--first', '--out', join(folder, 'no', 'where')],
    /^--out: error: `.*where` is no folder that can be written to \(ENOENT\)/,
  ],
];

describe('a process of the tool', () => {
  it.each([
    ['0', ['check', NIC, '--json']],
    ['1', ['run', ARM, '--xen', '4.12']],
    ['2, of bad input', ['run', 'nowhere.dommu', '--json']],
    ['2, of an unknown option', ['run', ARM, '--jsn']],
    ['2, of an unknown command', ['verfy', NIC]],
    ['0, of help', ['--help']],
    ['0, of the version', ['--version']],
  ])('prints what the command line prints, and exits with its code: %s', async (what, args) => {
    const result = await started(args);
    expect(result.exit).toBe(Number(what[0]));
    expect(result).toEqual(await dommu(args));
  });
});

describe('bad input', () => {
  it.each(BAD)('%s: one clear message, and 2', async (_, args, complaint) => {
    const line = args();
    const { out, err, exit } = await dommu(line);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toMatch(complaint);
    expect(err.match(/error:/g)).toHaveLength(1);
    expect(err).not.toMatch(/^\s+at /m);
    expect(err).not.toContain('internal');
  });

  // One of each way to refuse: a text, a program, a config, an option's value, the usage, an option of the search.
  const WAYS = [
    ...['100 MB', 'an unknown operation', 'a malformed BDF', 'an unknown release'],
    ...['an unknown option', 'an unknown command', 'more to try than fits'],
    ...['a suite that is not there', 'a lab that is not up', 'a program for conform that is not there'],
  ];
  it.each(BAD.filter(([what]) => WAYS.includes(what)))(
    '%s: one JSON object for scripts, and 2',
    async (_, args) => {
      const { object, exit } = await json(args());
      expect(exit).toBe(2);
      expect(object.diagnostics).toHaveLength(1);
      expect(object.diagnostics[0]).toMatchObject({
        severity: 'error',
        code: expect.any(String),
        message: expect.any(String),
        line: expect.any(Number),
        column: expect.any(Number),
      });
    },
  );
});

describe('Ctrl-C', () => {
  const long = ['verify', NIC, '--pages', '4', '--max-states', '100000000'];

  /** Pressed before the search has begun it ends the process, as anywhere; then again, later. */
  async function interrupted(args: readonly string[], hasBegun = (_: Result) => true): Promise<Result> {
    for (let wait = 1500; ; wait *= 2) {
      const result = await started(args, { interruptAfter: wait });
      if ((result.exit !== null && hasBegun(result)) || wait > 20_000) return result;
    }
  }

  it.concurrent('ends a long search with what is known', async () => {
    // On a busy machine it may have just begun.
    const statesOf = ({ out }: Result) => JSON.parse(out).states as number;
    const result = await interrupted([...long, '--json'], (result) => statesOf(result) > 100);
    expect(result.exit).toBe(0);
    expect(JSON.parse(result.out)).toMatchObject({ verdict: 'bounded', stop: 'interrupted', violations: [] });
    expect(statesOf(result)).toBeGreaterThan(100);
  });

  it.concurrent('says so to people, too', async () => {
    const { out, exit } = await interrupted(long);
    expect(exit).toBe(0);
    expect(out).toMatch(/^bounded: .*Ctrl-C/m);
  });
});

describe('a search that is killed', () => {
  // A while, on any machine: nothing is remembered and nothing is taken for alike.
  const search = [
    ...['verify', NIC, '--levels', '1', '--no-memo', '--no-symmetry', '--workers', '1'],
    ...['--no-write', '--json'],
  ];
  const checkpoint = join(folder, 'killed.checkpoint');

  /** Starts a search, and kills it as nothing can prevent once it has written a checkpoint. */
  function killed(args: readonly string[]): Promise<void> {
    const child = spawn(process.execPath, [main, ...args], { cwd: root, stdio: 'ignore' });
    const watch = setInterval(() => existsSync(checkpoint) && child.kill('SIGKILL'), 20);
    return new Promise((resolve) => {
      child.on('exit', () => {
        clearInterval(watch);
        resolve();
      });
    });
  }

  it('goes on from its checkpoint to the same end', async () => {
    const [whole] = await Promise.all([
      started(search),
      killed([...search, '--checkpoint', checkpoint, '--checkpoint-every', '1']),
    ]);
    const bytes = readFileSync(checkpoint);
    const other = await started([...search, '--resume', checkpoint, '--xen', '4.17']);
    expect(other).toMatchObject({
      exit: 2,
      out: expect.stringContaining('one of another edition: 4.22, and this is 4.17'),
    });
    expect(readFileSync(checkpoint)).toEqual(bytes);
    const resumed = await started([...search, '--resume', checkpoint]);
    const counts = ({ out, exit }: Result) => {
      const { verdict, stop, states, transitions, depth, exact, violations } = JSON.parse(out);
      return { exit, verdict, stop, states, transitions, depth, exact, violations };
    };
    expect(counts(resumed)).toEqual(counts(whole));
    expect(counts(resumed)).toMatchObject({ verdict: 'safe', stop: 'exhausted' });
  }, 240_000);
});
