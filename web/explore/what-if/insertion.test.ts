import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Explorer } from '../../../src/explore/explorer.js';
import { insertionAfter, insertionAtEnd } from './insertion.js';

const open = (text: string, configs = {}): Explorer => new Explorer({ name: 't.dommu', text, configs });

/** The text with a line put in after a step, and what is said of it. */
function put(explorer: Explorer, step: number, statement = 'checks'): { text: string; note?: string } {
  const lines = explorer.opened.text.split('\n');
  const { line, indent, note } = insertionAfter(explorer.answer(step, 'placeInText', undefined), lines);
  lines.splice(line - 1, 0, `${indent}${statement}`);
  return { text: lines.join('\n'), ...(note !== undefined && { note }) };
}

const TEXT = `# A machine.
device nic 0000:03:00.0

# The guest.
createdomain guest
  # It must come.
  expect ok

populate_physmap guest P
repeat 2
  pin_l1_table guest P
    expect ok
  unpin_table guest P
end
repeat forever
  pin_l1_table guest P
  unpin_table guest P
end
  expect recurs
destroydomain guest
`;

describe('a statement that is put into the text', () => {
  it('stands behind what is expected of the step, and the program goes on', () => {
    const explorer = open(TEXT);
    const { text, note } = put(explorer, 1, 'decrease_reservation guest 0x100');
    expect(text).toContain('  expect ok\ndecrease_reservation guest 0x100\n\npopulate_physmap');
    expect(note).toBeUndefined();
    expect(open(text).timeline.statement(2).op).toBe('decrease_reservation');
  });

  it('stands behind the machine where it is to be the first', () => {
    const { text } = put(open(TEXT), 0);
    expect(text).toContain('0000:03:00.0\nchecks\n\n# The guest.\ncreatedomain');
  });

  it('is said to be made in every round where the step is in a block', () => {
    const explorer = open(TEXT);
    const { text, note } = put(explorer, 3);
    expect(text).toContain('    expect ok\n  checks\n  unpin_table');
    expect(note).toBe('This step is in the `repeat` of line 10: the new one is made 2 times.');
    const forever = put(explorer, 7);
    expect(forever.note).toContain('in every round of it');
  });

  it('is told of its block without what is in it, which may be long', () => {
    const { block } = open(TEXT).answer(3, 'placeInText', undefined);
    expect(block).toEqual({ line: 10, repeat: 2 });
  });

  it('stands behind a loop that has ended', () => {
    const explorer = open(TEXT);
    const [loop] = explorer.opened.loops;
    const end = loop!.to ?? explorer.opened.length - 1;
    const step = explorer.timeline.step(end).statement.op === 'repeat forever' ? end : end + 1;
    const { text, note } = put(explorer, step);
    expect(text).toContain('end\n  expect recurs\nchecks\ndestroydomain');
    expect(note).toBeUndefined();
  });

  it('comes after all domains of configs where the step starts one of them', () => {
    const content = readFileSync(
      fileURLToPath(new URL('../../../examples/guest-pv-hotplug.cfg', import.meta.url)),
      'utf8',
    );
    const text =
      'device nic 0000:03:00.0\nconfig guest "a.cfg" pages=2\n\n# First.\npin_l1_table guest guest_0\n';
    const explorer = open(text, { 'a.cfg': { name: 'a.cfg', content } });
    const { text: changed, note } = put(explorer, 1);
    expect(changed).toContain('pages=2\nchecks\n\n# First.');
    expect(note).toContain('from a config');
  });

  it('stands behind the last line that says something where it is to be the last', () => {
    expect(insertionAtEnd(['a', 'b', '', ' ', ''])).toMatchObject({ line: 3 });
    expect(insertionAtEnd([''])).toMatchObject({ line: 1 });
  });
});
