import { describe, expect, it } from 'vitest';
import type { Call } from '../lab/agent/protocol.js';
import type { Agent } from '../lab/machine-api.js';
import { runXlMatrix } from './xl-matrix.js';

const INFO = `release                : 6.1.0
xen_major              : 4
xen_minor              : 17
xen_extra              : .7
xen_version            : 4.17.7
virt_caps              : pv pv_directio
`;

interface Answer {
  readonly code: number;
  readonly stderr: string;
}

/** A dom0 whose `xl create` answers what it is told to, and which notes what it is asked. */
class Dom0 {
  readonly asked: string[] = [];
  readonly files = new Map<string, string>();
  resets = 0;
  create: (config: string) => Answer;

  constructor(create: (config: string) => Answer) {
    this.create = create;
  }

  readonly agent = {
    perform: async (calls: readonly Call[]) =>
      calls.map((call) => {
        if (call.call === 'reset') this.resets++;
        if (call.call !== 'exec') return { rc: 0 };
        for (const [path, content] of Object.entries(call.files ?? {})) this.files.set(path, content);
        this.asked.push(call.argv.join(' '));
        const said = { rc: 0, code: 0, stdout: '', stderr: '' };
        if (call.argv[1] === 'info') return { ...said, stdout: INFO };
        if (call.argv[1] !== 'create') return said;
        return { ...said, ...this.create(this.files.get(call.argv.at(-1)!)!) };
      }),
  } as unknown as Agent;
}

const silent = (): Answer => ({ code: 0, stderr: '' });

describe('the matrix through xl', () => {
  it('has each type, each passthrough=, with a device and without', async () => {
    const outcomes = await runXlMatrix(new Dom0(silent).agent, '0000:00:04.0');
    expect(outcomes).toHaveLength(2 * 6 * 2);
    const configs = outcomes.map(({ config }) => config);
    expect(new Set(configs).size).toBe(configs.length);
    expect(configs.filter((config) => config.includes('pci = ["0000:00:04.0"]'))).toHaveLength(12);
    expect(configs.filter((config) => config.includes('passthrough ='))).toHaveLength(20);
  });

  it('holds what xl did against what dommu check says', async () => {
    const outcomes = await runXlMatrix(new Dom0(silent).agent, '0000:00:04.0');
    const bogus = outcomes.filter(({ config }) => config.includes('"bogus"'));
    for (const { predicted, agrees } of bogus) {
      expect(predicted.code).toBe(1);
      expect(predicted.message).not.toBe('');
      expect(agrees).toBe(false);
    }
    // What check lets pass and xl does too agrees.
    const passing = outcomes.filter(({ predicted }) => predicted.code === 0);
    expect(passing.length).toBeGreaterThan(0);
    for (const { agrees } of passing) expect(agrees).toBe(true);
  });

  it('is content with the same code and message only', async () => {
    const first = await runXlMatrix(new Dom0(silent).agent, '0000:00:04.0');
    const predicted = new Map(first.map((one) => [one.config, one.predicted]));
    const right = new Dom0((config) => {
      const { code, message } = predicted.get(config)!;
      return { code, stderr: `libxl: error: ${message}\n` };
    });
    const outcomes = await runXlMatrix(right.agent, '0000:00:04.0');
    expect(outcomes.filter(({ agrees }) => !agrees)).toEqual([]);
    const mute = new Dom0((config) => ({ code: predicted.get(config)!.code, stderr: 'another message' }));
    const refused = (await runXlMatrix(mute.agent, '0000:00:04.0')).filter(
      ({ predicted: { code } }) => code > 0,
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const { agrees } of refused) expect(agrees).toBe(false);
  });

  it('gives the device away before each config that has it, gives it back in the end, and clears up after each', async () => {
    const dom0 = new Dom0(silent);
    await runXlMatrix(dom0.agent, '0000:00:05.0');
    const times = (text: string) => dom0.asked.filter((line) => line.startsWith(text)).length;
    expect(times('xl pci-assignable-add 0000:00:05.0')).toBe(12);
    expect(dom0.asked.at(-1)).toBe('xl pci-assignable-remove 0000:00:05.0');
    expect(dom0.resets).toBe(24);
    const kernel = [...dom0.files].find(([path]) => path.endsWith('.b64'))![1];
    expect(Buffer.from(kernel, 'base64').toString('latin1', 1, 4)).toBe('ELF');
  });
});
