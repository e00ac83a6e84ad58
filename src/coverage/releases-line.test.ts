import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { editionsNamed } from './releases-line.js';

describe('the line that names editions', () => {
  it.each([
    ['# Releases: 4.13', ['4.13']],
    ['# Releases: 4.11 4.12.0, late-enable', ['4.11.0', '4.12', 'late-enable']],
    ['# A story.\n# Releases: 4.11.0..4.11.4', ['4.11.0', '4.11.1', '4.11.2', '4.11.3', '4.11.4']],
    ['# Releases: 4.13.1..4.13.1', ['4.13.1']],
  ])('%j means %j', (text, editions) => {
    expect(editionsNamed(`${text}\n\ncreatedomain guest\n`, 'a.dommu')).toEqual(editions);
  });

  it('means by a range its ends, and what differs between them from the release before', () => {
    const names = editionsNamed('# Releases: 4.17.1..4.19', 'a.dommu')!;
    expect([names[0], names.at(-1)]).toEqual(['4.17.1', '4.19']);
    expect(names).toEqual(expect.arrayContaining(['4.17.3', '4.18']));
    expect(names).not.toContain('4.17');
  });

  it('need not be there', () => {
    expect(editionsNamed('# Since the releases: nothing\ncreatedomain guest\n', 'a.dommu')).toBeUndefined();
  });

  it.each(['4.99', '4.14..4.13', '4.13..late-enable', 'nonsense'])('refuses %s, with its place', (word) => {
    const read = () => editionsNamed(`# A story.\n# Releases: ${word}\n`, 'a.dommu');
    expect(read).toThrow(InputError);
    expect(read).toThrow(/^a\.dommu:/);
  });
});
