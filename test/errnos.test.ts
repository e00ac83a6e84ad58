import { describe, expect, it } from 'vitest';
import { programsIn, unexpectedOf } from './told.js';

const programs = programsIn('errnos');

// Each errno of the ladders, written by hand from the dossier: what a release must answer.
describe('a program of examples/errnos', () => {
  it.each(programs)('is answered as it says, in each release that it names: $name', (program) => {
    expect(program.editions.flatMap((edition) => unexpectedOf(program, edition))).toEqual([]);
  });

  it('is there for createdomain, contexts that are missing, page types', () => {
    for (const start of [
      'createdomain-EINVAL',
      'createdomain-EEXIST',
      'createdomain-ENOMEM',
      'no-context',
      'page-type-',
      'assign-',
      'rdm-',
      'vtd-',
      'hotplug-',
      'dt-assign-',
      'smmu-',
      'smmuv3-',
      'boot-domain-panic',
    ]) {
      expect(programs.filter(({ name }) => name.startsWith(start)).length, start).toBeGreaterThan(0);
    }
  });
});
