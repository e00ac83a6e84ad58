import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadProgram } from '../program/load.js';
import { parseProgram } from '../program/parse.js';
import { Timeline } from '../program/timeline.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { whyErrno } from './why-errno.js';

/** Why the last step of a program was answered as it was. */
function why(text: string, edition = '4.22') {
  const timeline = Timeline.record(parseProgram(new SourceText('t', text)), resolveEdition(edition));
  return { ...whyErrno(timeline, timeline.length), status: timeline.step(timeline.length).status };
}

describe('why an errno', () => {
  it('is the rung that decided, with its section and function', () => {
    const text = `device nic 0000:03:00.0\ncreatedomain a\nassign_device a nic\n`;
    expect(why(text)).toMatchObject({
      status: 'EOPNOTSUPP',
      sure: true,
      rules: [
        {
          rule: '§6.1 #4 assign: the domain has no context',
          section: '§6.1',
          text: '#4 assign: the domain has no context',
          fn: 'mayHaveDevices',
        },
      ],
    });
    expect(why('createdomain a domid=1\ncreatedomain b domid=1\n', '4.13')).toMatchObject({
      status: 'EINVAL',
      sure: true,
      rules: [{ rule: '§2.2 domid createdomain: it is in use', releases: '4.11.0–4.13.5' }],
    });
  });

  it('is not sure where the rung has no premise, or a failure came in between', () => {
    const first = why('createdomain a iommu\nfail next alloc\npopulate_physmap a P\n');
    expect(first.status).not.toBe('ok');
    expect('sure' in first && first.sure).toBe(false);
  });

  it('cannot be told where another than the operation decides', () => {
    const idle = 'createdomain a iommu\nstep\n';
    expect(why(idle)).toMatchObject({ status: 'idle', rules: [], untold: 'no hypercall is under way' });
    const begun = 'createdomain a iommu\nbegin populate_physmap a P count=9\n';
    expect(why(`${begun}finish\n`)).toMatchObject({ untold: expect.stringContaining('began earlier') });
    const dma = 'device nic 0000:03:00.0\ncreatedomain a iommu\nassign_device a nic\ndma nic read 0x100000\n';
    expect(why(dma)).toMatchObject({ status: 'fault', untold: expect.stringContaining('fault registers') });
    const fail = 'device nic 0000:03:00.0\ncreatedomain a iommu\nfail next flush\nassign_device a nic\n';
    expect(why(fail)).toMatchObject({ untold: 'something failed that was asked to: flush' });
  });

  it('is told of nearly every errno of the programs that are there for errnos, and leaves the timeline where it is', () => {
    const folder = fileURLToPath(new URL('../../examples/errnos/', import.meta.url));
    let told = 0;
    let asked = 0;
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.dommu'))) {
      const timeline = Timeline.record(loadProgram(`${folder}${name}`), resolveEdition('4.22'));
      for (let step = 1; step <= timeline.length; step++) {
        if (!/^E[A-Z]+$/.test(timeline.step(step).status)) continue;
        asked++;
        if (whyErrno(timeline, step).rules.length > 0) told++;
        expect(timeline.position).toBe(timeline.length);
      }
    }
    expect(asked).toBeGreaterThan(20);
    expect(told / asked).toBeGreaterThan(0.9);
  });
});
