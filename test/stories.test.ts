import { describe, expect, it } from 'vitest';
import { programsIn, unexpectedOf } from './told.js';

/** Programs of examples/ itself that name releases; the others are told for any release, and say in words what differs. */
const STORIES: Readonly<Record<string, readonly [first: string, last: string]>> = {
  'death-window.dommu': ['4.17', '4.22'],
  'late-enable-loop.dommu': ['4.11.2', 'unified-checks'],
  'type-race.dommu': ['4.17', '4.22'],
  'smmuv3-vmid-reuse.dommu': ['4.15', '4.22'],
};

describe('a story of examples/ that names its releases', () => {
  const told = programsIn('.').filter(({ name }) => Object.hasOwn(STORIES, name));

  it('names them from first to last', () => {
    const named = told.map(({ name, editions }) => [name, [editions[0], editions.at(-1)]]);
    expect(Object.fromEntries(named)).toEqual(STORIES);
  });

  it.each(told)('goes as told in each: $name', (program) => {
    expect(program.editions.flatMap((edition) => unexpectedOf(program, edition))).toEqual([]);
  });
});
