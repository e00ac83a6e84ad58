import { describe, expect, it } from 'vitest';
import { run, statuses } from '../program/scene.fixture.js';

const MACHINE = `
machine x86
ram 0x100..0x103
dom0 pages=1
limits domains=3 grants=2 handles=2 va_slots=1 calls=2
createdomain guest max_pages=2
populate_physmap guest 0x101
grant guest 0 dom0 0x101
`;

/** Answers from the line on that is marked. */
const answers = (text: string, edition?: string): string[] => statuses(MACHINE + text, edition).slice(3);

/** Whatever is broken in it, dear invariants included. */
const broken = (text: string): string[] =>
  run(`${MACHINE}${text}`).steps.flatMap(({ unexpected }) => unexpected);

describe('a map in steps', () => {
  it('keeps its handle from others until it is done', () => {
    const text = `
begin map_grant_ref dom0 a guest 0 host
map_grant_ref dom0 b guest 0 host
step
unmap_grant_ref dom0 b
unmap_grant_ref dom0 a
`;
    expect(answers(text)).toEqual(['at map_grant', 'ok', 'ok', 'ok', 'ok']);
    expect(broken(text)).toEqual([]);
  });

  it('is refused as it ends when the grant is gone by then', () => {
    expect(answers('begin map_grant_ref dom0 a guest 0 host\nend_grant guest 0\nstep')).toEqual([
      'at map_grant',
      'ok',
      'general_error',
    ]);
  });
});

describe('an unmap in steps', () => {
  it('leaves the grant in use until the mapper’s CPUs are flushed', () => {
    const text = `
map_grant_ref dom0 a guest 0 host
begin unmap_grant_ref dom0 a
end_grant guest 0
step
end_grant guest 0
step
end_grant guest 0
`;
    expect(answers(text)).toEqual([
      'ok',
      'at unmap_flush',
      'in_use',
      'at unmap_complete',
      'in_use',
      'ok',
      'ok',
    ]);
    expect(broken(text)).toEqual([]);
  });

  it('names a handle that is none at once', () => {
    const text = 'map_grant_ref dom0 a guest 0 host\nunmap_grant_ref dom0 a\nbegin unmap_grant_ref dom0 a';
    expect(answers(text)).toEqual(['ok', 'ok', 'bad_handle']);
  });
});

describe('a copy in steps', () => {
  it('pins the grant until its bytes have moved, and holds the page until after', () => {
    const text = `
begin grant_copy dom0 from_ref=0 from_domain=guest to=0x100
end_grant guest 0
decrease_reservation guest 0x101
step
step
end_grant guest 0
populate_physmap guest 0x102
step
`;
    expect(answers(text)).toEqual([
      'at copy_bytes',
      'in_use',
      'ok',
      'at copy_unpin',
      'at copy_put',
      'ok',
      'ok',
      'ok',
    ]);
    expect(broken(text)).toEqual([]);
  });

  it('answers what it would answer as a whole', () => {
    expect(answers('begin grant_copy dom0 from_ref=1 from_domain=guest to=0x100')).toEqual(['general_error']);
    const beyond = 'begin grant_copy dom0 from_ref=0 from_domain=guest to=0x100 to_offset=4094\nfinish';
    expect(answers(beyond)).toEqual(['at copy_bytes', 'bad_copy_arg']);
  });
});

const TRANSLATED = `
machine x86
ram 0x100..0x101
dom0 pages=1
limits domains=2 grants=1 handles=1 gfns=3 calls=2
createdomain guest hvm hap max_pages=1
populate_physmap guest 0x101 gfn=0
grant_set_version guest 2
`;
const translated = (text: string, edition?: string): string[] =>
  statuses(TRANSLATED + text, edition).slice(3);

describe('a status frame on its way into the p2m', () => {
  const add = 'begin add_to_physmap guest grant_status gfn=1\n';

  it('locks the table since 4.22', () => {
    expect(translated(`${add}grant_set_version guest 1\nstep\ngrant_set_version guest 1`, '4.22')).toEqual([
      'at physmap_place',
      'blocked',
      'ok',
      'ok',
    ]);
  });

  it('is referenced before, so that it is not freed, for which the domain is crashed', () => {
    const text = `${add}grant_set_version guest 1\nstep`;
    expect(translated(text, '4.17')).toEqual(['at physmap_place', 'EBUSY', 'ok']);
  });

  it('is freed under it up to 4.13.3', () => {
    const { steps } = run(`${TRANSLATED}${add}grant_set_version guest 1\nstep`, '4.13.3');
    expect(steps.at(-1)!.violations.map(({ invariant }) => invariant)).toContain('P2M');
  });

  it('keeps the table locked while the version changes back', () => {
    const text = 'begin grant_set_version guest 1\nadd_to_physmap guest grant_status gfn=1\nstep of=guest';
    expect(translated(text)).toEqual(['at version_held', 'blocked', 'ok']);
  });
});
