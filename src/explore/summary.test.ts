import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Explorer } from './explorer.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

describe('a place in a line', () => {
  it('says what a device did last, and what became of it', () => {
    const explorer = new Explorer({ name: 't', text: example('arm-grant-fault.dommu'), configs: {} });
    const at = (step: number) => explorer.answer(step, 'summary', undefined).access;
    expect(at(4)).toBeUndefined();
    expect(at(5)).toEqual({ step: 5, text: 'dma eth0 read 0x8424cb148', status: 'ok' });
    expect(at(7)).toEqual({ step: 6, text: 'dma eth0 write 0x8424cb148', status: 'fault' });
  });

  it('names the invariants that are broken there, and none before it has been judged', () => {
    const text = example('death-window.dommu');
    const explorer = new Explorer({ name: 't', text, configs: {}, edition: '4.17' });
    expect(explorer.answer(0, 'summary', undefined).broken).toBeUndefined();
    while (!explorer.workFor(50));
    expect(explorer.answer(0, 'summary', undefined).broken).toEqual([]);
    const [at] = explorer.marks.violations;
    const { broken } = explorer.answer(at!, 'summary', undefined);
    const { rows } = explorer.answer(at!, 'invariants', undefined);
    expect(broken?.toSorted()).toEqual(
      rows
        .filter(({ message }) => message !== undefined)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(broken).not.toEqual([]);
  });
});
