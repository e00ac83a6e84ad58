import { describe, expect, it } from 'vitest';
import { Explorer } from './explorer.js';

const MACHINE = `ram 0x100..0x10f
dom0 pages=1
createdomain a max_pages=4
`;

const rowsOf = (text: string) => {
  const explorer = new Explorer({ name: 'test.dommu', text: MACHINE + text, configs: {} });
  return { explorer, rows: explorer.answer(0, 'steps', { from: 0, count: 100 }) };
};

/** Where in its blocks each step is: `2/3[` begins the second round of three, `2/3]` ends it. */
const told = (text: string): string[] =>
  rowsOf(text).rows.map(({ blocks }) =>
    blocks
      .map(({ round, times, first, last }) => `${round}/${times}${first ? '[' : ''}${last ? ']' : ''}`)
      .join(' '),
  );

describe('the rounds of repeated blocks', () => {
  it('tell each step of which rounds it is, and which begin and end with it', () => {
    const text = `repeat 2
  populate_physmap a P
  repeat 2
    decrease_reservation a P
  end
end
createdomain b
`;
    expect(told(text)).toEqual([
      '',
      '',
      '1/2[',
      '1/2 1/2[]',
      '1/2] 2/2[]',
      '2/2[',
      '2/2 1/2[]',
      '2/2] 2/2[]',
      '',
    ]);
  });

  it('are told apart where a block is all that is in another', () => {
    const text = 'repeat 2\n  repeat 2\n    populate_physmap a P\n  end\nend\n';
    expect(told(text).slice(2)).toEqual(['1/2[ 1/2[]', '1/2] 2/2[]', '2/2[ 1/2[]', '2/2] 2/2[]']);
  });

  it('go round for ever from where the state comes back to, not from where the block begins', () => {
    const { explorer, rows } = rowsOf(`populate_physmap a P
repeat forever
  update_va_mapping a va=0 P rw
  update_va_mapping a va=0
end
`);
    // The first round gives the page its type, which it keeps: only the second comes back to where it began.
    expect(explorer.opened.loops).toEqual([{ from: 5, to: 6, end: 7, status: 'recurs' }]);
    expect(rows.map(({ blocks }) => blocks.some(({ loops }) => loops))).toEqual([
      ...[false, false, false, false, false],
      ...[true, true, false],
    ]);
    expect(rows[7]).toMatchObject({ text: 'repeat forever', status: 'recurs', backTo: 5 });
  });

  it('end where a run is stopped', () => {
    const { explorer, rows } = rowsOf(
      'repeat 200000\n  populate_physmap a P\n  decrease_reservation a P\nend\n',
    );
    expect(explorer.opened.stopped?.code).toBe('too-many-steps');
    expect(rows[2]?.blocks[0]).toMatchObject({ round: 1, times: 200000, first: true });
    const { length } = explorer.opened;
    const [last] = explorer.answer(0, 'steps', { from: length, count: 1 });
    expect(last?.blocks).toHaveLength(1);
  });
});
