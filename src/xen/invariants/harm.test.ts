import { describe, expect, it } from 'vitest';
import { R } from '../../formats/address.js';
import { getPage } from '../frames.js';
import { INVARIANTS } from '../invariants.js';
import { iommuUnmap } from '../iommu-map.js';
import { clauseOf } from './clause.js';
import { byHarm, graverOf, type Harm, harmsText, isGraver } from './harm.js';
import { WAYS } from './harm-ways.fixture.js';
import { breachOf, guest } from './invariants.fixture.js';

describe('a violation of an invariant that can be broken in several ways', () => {
  it.each(WAYS)('of %s means “%s” where it says %s', (_id, harm, says, breach) => {
    const found = breach();
    expect(found?.message).toMatch(says);
    expect(found?.harm).toBe(harm);
  });

  it('is shown here in each way, of every such invariant', () => {
    for (const { id, harm, otherHarms = {} } of INVARIANTS) {
      const ways = WAYS.filter((way) => way[0] === id).map((way) => way[1]);
      const said = Object.keys(otherHarms);
      expect([id, ...new Set(ways)].sort()).toEqual((said.length === 0 ? [id] : [id, harm, ...said]).sort());
    }
  });

  it('is of another clause where it leads to something else, so that a search shows both', () => {
    const harmOf = new Map<string, Harm>();
    for (const [id, harm, , breach] of WAYS) {
      const clause = `${id} ${clauseOf(breach()!.message)}`;
      expect([clause, harmOf.get(clause) ?? harm]).toEqual([clause, harm]);
      harmOf.set(clause, harm);
    }
  });

  it('is the gravest of those that there are, whichever comes first', () => {
    const { xen, slot, page, frame } = guest();
    iommuUnmap(xen, slot, frame);
    xen.frame.typeInfo.set(page + 1, 0);
    expect(breachOf(xen, 'I1')).toMatchObject({ harm: 'isolation broken' });
    expect(breachOf(xen, 'I1')!.message).toMatch(/^frame 0x102 /);
    getPage(xen, page, slot);
    expect(breachOf(xen, 'INV-REF')).toMatchObject({ harm: 'leak' });
    xen.frame.countInfo.add(page + 1, -1);
    expect(breachOf(xen, 'INV-REF')).toMatchObject({ harm: 'isolation broken' });
    const { iotlb } = xen.unit!;
    iotlb.fill(slot, frame + 1, 0, 0);
    iotlb.fill(slot, frame + 9, frame, R);
    expect(breachOf(xen, 'I4')).toMatchObject({ harm: 'isolation broken' });
  });
});

describe('harms', () => {
  it('stand from the gravest to the least', () => {
    const harms: Harm[] = ['leak', 'mapping lost', 'livelock', 'crash', 'isolation broken'];
    expect([...harms].sort(byHarm)).toEqual(harms.reverse());
    expect([isGraver('crash', 'leak'), isGraver('leak', 'crash'), isGraver('leak', 'leak')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('of two breaches the graver is told, of two alike the first', () => {
    const breaches = ['a', 'b'].map((message) => ({ message, harm: 'leak' as const }));
    const worse = { message: 'c', harm: 'crash' as const };
    expect(graverOf(breaches[0], breaches[1])).toBe(breaches[0]);
    expect([graverOf(breaches[0], worse), graverOf(worse, breaches[0])]).toEqual([worse, worse]);
    expect([graverOf(undefined, worse), graverOf(worse, undefined), graverOf(undefined, undefined)]).toEqual([
      worse,
      worse,
      undefined,
    ]);
  });

  it('of an invariant are told with the case in which each other one comes', () => {
    expect(harmsText({ harm: 'leak' })).toBe('leak');
    expect(harmsText({ harm: 'leak', otherHarms: { crash: 'it is less' } })).toBe(
      'leak; crash where it is less',
    );
  });
});
