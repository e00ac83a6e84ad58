import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { attachLab, endLab, findLab, listLabs, raiseLab, startLab } from '../../src/lab/qemu/lab.js';
import type { QemuLab } from '../../src/lab/qemu/lab-machine.js';
import { runRoot } from '../../src/lab/qemu/run-folder.js';

const labs: QemuLab[] = [];
const runtime = process.env.XDG_RUNTIME_DIR;
let folder: string;

// A folder of our own: what others have up on this machine is not ours to look at.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dommu-lab-'));
  process.env.XDG_RUNTIME_DIR = folder;
  // The first one builds the image and saves the snapshot, where there is none.
  await (await startLab()).close();
});
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.close();
  for (const record of listLabs()) await endLab(record);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (runtime === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = runtime;
});

async function lab(...args: Parameters<typeof startLab>): Promise<QemuLab> {
  const machine = await startLab(...args);
  labs.push(machine);
  return machine;
}

/** Processes that have something of our folder on their command line. */
function processesOfOurs(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(runRoot()));
}

/** Nothing of ours runs, and nothing of it lies about. */
async function nothingLeft(): Promise<void> {
  for (let waited = 0; waited < 10_000 && processesOfOurs().length > 0; waited += 50) await sleep(50);
  expect(processesOfOurs()).toEqual([]);
  listLabs();
  expect(existsSync(runRoot()) ? readdirSync(runRoot()) : []).toEqual([]);
}

function dommu(...args: string[]): { out: string; err: string; exit: number | null } {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', 'lab', ...args],
    { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' }, timeout: 170_000 },
  );
  return { out: stdout, err: stderr, exit: status };
}

describe('a lab', () => {
  it('has an agent that says hello, and memory to be looked at while it stands still', async () => {
    const machine = await lab();
    expect(machine.agent.hello.hello).toBe('dommu-agent');
    expect(machine.agent.hello.xen).toMatchObject({ major: 4, minor: 17 });
    expect(machine.rootTable).toBeGreaterThan(0);
    await machine.stop();
    machine.memory.refresh();
    // Bus 0 has a context table: the entry is present.
    expect(machine.memory.read32(machine.rootTable) & 1).toBe(1);
    expect(await machine.monitor('info status')).toContain('paused');
    await machine.cont();
    expect((await machine.agent.perform([{ call: 'domains' }]))[0].domids).toEqual([]);
  });

  it('has devices whose registers are there, restored or not', async () => {
    const machine = await lab();
    for (const { sbdf, kind } of machine.devices) {
      const [{ rc, vendor }] = await machine.agent.perform([{ call: 'device', sbdf }]);
      expect([rc, vendor]).toEqual([0, kind === 'edu' ? 0x1234 : 0x8086]);
    }
    const show = ['sh', '-c', 'for slot in 4 5; do setpci -s 00:0$slot.0 BASE_ADDRESS_0; done'];
    const [{ stdout }] = await machine.agent.perform([{ call: 'exec', argv: show, timeoutSeconds: 20 }]);
    const bars = stdout.trim().split('\n');
    expect(new Set(bars).size).toBe(2);
    for (const bar of bars) expect(Number.parseInt(bar, 16)).toBeGreaterThan(0);
  });

  it('shows what Xen says from a place on', async () => {
    const machine = await lab();
    const start = machine.consoleLength();
    await machine.agent.perform([{ call: 'debug_keys', keys: 'q' }]);
    for (let waited = 0; waited < 5000 && machine.consoleLines(start).length < 2; waited += 50)
      await sleep(50);
    expect(machine.consoleLines(start)[0]).toMatch(/^'q' pressed -> dumping domain info/);
    // The snapshot's boot is in the log too.
    expect(machine.consoleLines(0)[0]).toMatch(/^Xen version/);
  });

  it('is one of two, each with a memory of its own', async () => {
    const [one, two] = await Promise.all([lab(), lab()]);
    const create = {
      call: 'createdomain',
      flags: 0x20,
      iommuOpts: 0,
      maxVcpus: 1,
      maxPages: 64,
      domid: 0,
      guest: false,
    } as const;
    const [{ rc }] = await one.agent.perform([create]);
    expect(rc).toBe(0);
    expect((await one.agent.perform([{ call: 'domains' }]))[0].domids).toHaveLength(1);
    expect((await two.agent.perform([{ call: 'domains' }]))[0].domids).toEqual([]);
  });

  it('leaves nothing behind when it is closed', async () => {
    await (await startLab()).close();
    await nothingLeft();
  });

  it('ends with its process, however that ends', async () => {
    const script =
      "import { startLab } from './src/lab/qemu/lab.ts'; await startLab(); console.log('up'); await new Promise(() => setInterval(() => {}, 1000));";
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    expect(processesOfOurs().length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await nothingLeft();
  });
});

describe('a Xen that does not come up', () => {
  it('is told by its last lines, and leaves nothing behind', async () => {
    await expect(startLab({ cold: true, xenArgs: 'dom0_mem=16M' })).rejects.toThrow(
      /console's last lines:[\s\S]*\(XEN\)/,
    );
    await nothingLeft();
  });

  it('is given up after a time', async () => {
    await expect(startLab({ cold: true, bootSeconds: 2 })).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringMatching(/the agent did not say hello/),
    });
    await nothingLeft();
  });

  it('is refused when it is no Xen', async () => {
    const path = join(folder, 'xen');
    writeFileSync(path, 'no hypervisor'.padEnd(100));
    await expect(startLab({ xen: path })).rejects.toMatchObject({ exitCode: 2 });
    await nothingLeft();
  });

  it('is one that is only a header', async () => {
    const path = join(folder, 'header');
    const bytes = Buffer.alloc(8192);
    bytes.write('\u007fELF\u0001\u0001\u0001', 0, 'latin1');
    bytes.writeUInt16LE(2, 16);
    bytes.writeUInt16LE(3, 18);
    bytes.writeUInt32LE(0x1badb002, 4096);
    bytes.writeUInt32LE(-0x1badb002 >>> 0, 4104);
    writeFileSync(path, bytes);
    await expect(startLab({ xen: path, bootSeconds: 5 })).rejects.toMatchObject({ exitCode: 3 });
    await nothingLeft();
  });
});

describe('a lab that stays up', () => {
  it('is there for one client after the other', async () => {
    await (await raiseLab({}, 'mine')).machine.close();
    expect(findLab('mine').state).toBe('ready');
    const first = await attachLab('mine');
    await expect(attachLab('mine')).rejects.toThrow('in use by process');
    await first.close();
    const second = await attachLab('mine');
    expect(second.rootTable).toBe(first.rootTable);
    await second.close();
    await expect(raiseLab({}, 'mine')).rejects.toThrow('a lab named mine is running');
    await endLab(findLab('mine'));
    await nothingLeft();
  });

  it('is up, listed, shown and down by commands', async () => {
    expect(dommu('up', '--name', 'cli')).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^cli: Xen 4\.17\./),
    });
    expect(JSON.parse(dommu('list', '--json').out)).toMatchObject({
      labs: [{ name: 'cli', iommu: 'vtd', state: 'ready' }],
    });
    expect(dommu('console', 'cli').out).toContain('(XEN) Xen version');
    expect(dommu('down')).toMatchObject({ exit: 0, out: 'ended cli\n' });
    await nothingLeft();
    expect(dommu('down', 'cli')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('no lab named cli is running'),
    });
  });

  it('is not there when its start was interrupted', async () => {
    const up = ['--import', 'tsx', 'src/cli/main.ts', 'lab', 'up', '--cold', '--name', 'broken-off'];
    const child = spawn(process.execPath, up, { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    for (let waited = 0; waited < 20_000 && processesOfOurs().length === 0; waited += 50) await sleep(50);
    child.kill('SIGTERM');
    expect(await ended).toBe(130);
    await nothingLeft();
  });

  it('ends by itself after its lifetime', async () => {
    const { machine } = await raiseLab({ lifetimeSeconds: 8 }, 'short');
    await machine.close();
    await sleep(8500);
    await nothingLeft();
  });
});

it('an AMD machine comes up too, though it cannot be saved', async () => {
  const machine = await lab({ iommu: 'amdvi' });
  expect(machine.rootTable).toBeGreaterThan(0);
  expect(machine.consoleLines(0)).toContain('AMD-Vi: IOMMU 0 Enabled.');
});
