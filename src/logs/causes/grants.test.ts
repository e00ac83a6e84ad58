import { describe, expect, it } from 'vitest';
import { amdvi, causesOf, eventWith } from './causes.fixture.js';

const grant = (domain: number, firstLine: number) =>
  eventWith({
    unit: null,
    kind: 'memory',
    domain,
    firstLine,
    reason: { code: null, name: 'granted-pte-unmapped', meaning: 'a grant went', manual: null },
  });
const FAULT = amdvi(['RW'], { domain: 1, firstLine: 100 });
const causes = (...events: readonly ReturnType<typeof grant>[]) =>
  causesOf(FAULT, { xen: '4.13', events }).map(({ id }) => id);

describe('what Xen says of grants', () => {
  it('speaks for a fault of the same domain that follows, or is close by', () => {
    expect(causes(grant(1, 40))[0]).toBe('grant-unmap-removed');
    expect(causes(grant(1, 110))[0]).toBe('grant-unmap-removed');
  });

  it('says nothing of another domain, and nothing of what comes long before it', () => {
    expect(causes(grant(2, 40))).not.toContain('grant-unmap-removed');
    expect(causes(grant(1, 500))).not.toContain('grant-unmap-removed');
  });
});
