import { describe, expect, it } from 'vitest';
import { resolveEdition } from '../xen/editions/edition.js';
import { explain, explainText } from './explain.js';
import type { LineForm } from './form.js';
import { initReason } from './forms/init-reasons.js';

const FORMS: readonly LineForm[] = [
  {
    role: 'fact',
    texts: ['Xen version {version:name}'],
    printedBy: 'a test',
    read({ fields, line }, facts) {
      facts.xen = { value: fields.version!, line };
    },
  },
  {
    role: 'event',
    source: 'xen',
    unit: null,
    kind: 'init',
    texts: ['I/O virtualisation {state:word}'],
    printedBy: 'a test',
    read({ fields }, event) {
      event.reason = initReason(fields.state === 'enabled' ? 'iommu-on' : 'iommu-off');
      return undefined;
    },
  },
];

const text = (content: string, edition?: string) =>
  explainText(content, 'a.log', {
    forms: FORMS,
    edition: edition === undefined ? undefined : resolveEdition(edition),
  });

async function* chunks(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const one of texts) yield Buffer.from(one);
}

describe('explain', () => {
  it('takes the release that is given before the one that the log names', () => {
    const log = '(XEN) Xen version 4.17.3 (x)\n';
    expect(text(log)).toMatchObject({ world: { edition: { name: '4.17.3' } }, editionFrom: 'log' });
    expect(text(log, '4.13')).toMatchObject({ world: { edition: { name: '4.13' } }, editionFrom: 'given' });
    expect(text('nothing')).toMatchObject({ world: { edition: undefined }, editionFrom: null });
    expect(text('(XEN) Xen version 4.6.5 (x)')).toMatchObject({
      world: { edition: undefined },
      editionFrom: null,
    });
  });

  it('tells complaints from statements that all is well', () => {
    const log = '(XEN) I/O virtualisation disabled\n(XEN) I/O virtualisation enabled\n';
    expect(text(log).events.map(({ wrong }) => wrong)).toEqual([true, false]);
  });

  it('reads several logs one after another, and what one says is known of all', async () => {
    const { events, files, world } = await explain(
      [
        { name: 'a', chunks: chunks('(XEN) I/O virt', 'ualisation dis', 'abled') },
        {
          name: 'b',
          chunks: chunks('x\n(XEN) I/O virtualisation disabled\n', '(XEN) Xen version 4.12.1 (x)\n'),
        },
      ],
      { forms: FORMS },
    );
    expect(events).toMatchObject([{ count: 2, first: { file: 'a', line: 1 }, last: { file: 'b', line: 2 } }]);
    expect(files).toEqual([
      { name: 'a', lines: 1, bytes: 33 },
      { name: 'b', lines: 3, bytes: 65 },
    ]);
    expect(world.edition?.name).toBe('4.12.1');
  });

  it('ends where it is told to and says that it did', async () => {
    let pieces = 0;
    const { complete, events, notes } = await explain(
      [
        { name: 'a', chunks: chunks('I/O virtualisation disabled\n', 'I/O virtualisation enabled\n') },
        { name: 'b', chunks: chunks('I/O virtualisation enabled\n') },
      ],
      { forms: FORMS, isOver: () => pieces > 0, progress: () => pieces++ },
    );
    expect(complete).toBe(false);
    expect(events).toHaveLength(1);
    expect(notes).toEqual([expect.stringContaining('ended before the end')]);
  });
});
