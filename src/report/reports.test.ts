import { describe, expect, it } from 'vitest';
import { bounds, PV, program } from '../program/scene.fixture.js';
import { verifyProgram } from '../program/verify.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { markdownReport } from './markdown.js';
import { sarifLog } from './sarif.js';
import type { VerdictReport } from './verdict.js';

async function report(edition: string): Promise<VerdictReport> {
  const scene = program(PV);
  const asked = bounds({ refs: 0, levels: [1], search: { maxStates: 500, deeper: 1 } });
  const result = await verifyProgram(scene, resolveEdition(edition), asked);
  return {
    title: `a | <b> on ${edition}`,
    subject: 'configs/my guest.cfg',
    edition: resolveEdition(edition),
    result,
    written: result.counterexamples.map((one) => ({ ...one, text: 'machine x86\n', file: null })),
    bounds: 'few',
  };
}

interface Sarif {
  readonly version: string;
  readonly runs: readonly [
    {
      readonly tool: {
        readonly driver: {
          readonly rules: readonly { readonly id: string; readonly properties: { readonly harm: string } }[];
        };
      };
      readonly results: readonly {
        readonly ruleId: string;
        readonly level: string;
        readonly properties: { readonly harm: string };
        readonly message: { readonly text: string };
        readonly locations: readonly [
          { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } },
        ];
        readonly codeFlows: readonly [
          { readonly threadFlows: readonly [{ readonly locations: readonly unknown[] }] },
        ];
      }[];
      readonly invocations: readonly [{ readonly toolExecutionNotifications: readonly unknown[] }];
    },
  ];
}

/** A livelock in four pages' worth of state. */
async function loopReport(): Promise<VerdictReport> {
  const text = `machine x86
ram 0x100..0x101
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=2
createdomain g max_pages=1
populate_physmap g 0x100
`;
  const asked = bounds({ refs: 0, levels: [1], search: { maxStates: 1e6, deeper: 0 } });
  const edition = resolveEdition('late-enable');
  const result = await verifyProgram(program(text), edition, asked);
  const written = result.counterexamples.map((one) => ({ ...one, text, file: null }));
  return { title: 'late', subject: 'late.dommu', edition, result, written, bounds: 'few' };
}

describe('a livelock in reports', () => {
  it('is a result of a rule of its own, and a loop in words', async () => {
    const found = await loopReport();
    expect(found.result.verdict).toBe('livelock');
    const [{ tool, results }] = (sarifLog(found, '1.2.3') as Sarif).runs;
    expect(results.map(({ ruleId }) => ruleId)).toEqual(['livelock']);
    expect(tool.driver.rules.map(({ id }) => id)).toContain('livelock');
    const text = markdownReport(found);
    expect(text).toContain('**livelock**:');
    expect(text).toMatch(
      /Steps \d+ to \d+ go on for ever\. After these 7 statements the state is, word for word/,
    );
    expect(text).toContain('No loop of this hypercall that was found is shorter.');
  });
});

describe('a SARIF log', () => {
  it('has a result a violation, of a rule that it declares, about the file that was searched', async () => {
    const found = await report('4.22+pvPageAdded=mapped-untyped');
    const { version, runs } = sarifLog(found, '1.2.3') as Sarif;
    const [{ tool, results }] = runs;
    expect(version).toBe('2.1.0');
    expect(results.map(({ ruleId }) => ruleId)).toEqual(found.written.map(({ invariant }) => invariant.id));
    const declared = tool.driver.rules.map(({ id }) => id);
    for (const { ruleId, locations, codeFlows } of results) {
      expect(declared).toContain(ruleId);
      expect(locations[0].physicalLocation.artifactLocation.uri).toBe('configs/my%20guest.cfg');
      expect(codeFlows[0].threadFlows[0].locations.length).toBeGreaterThan(0);
    }
  });

  it('says what each violation leads to, and of a rule what its violations may lead to; the level is the same', async () => {
    const found = await report('4.22+pvPageAdded=mapped-untyped');
    const [{ tool, results }] = (sarifLog(found, '1.2.3') as Sarif).runs;
    expect(results.map(({ properties, level }) => [properties.harm, level])).toEqual(
      found.written.map(({ harm }) => [harm, 'error']),
    );
    expect(results.find(({ ruleId }) => ruleId === 'I1')!.properties.harm).toBe('isolation broken');
    expect(tool.driver.rules.find(({ id }) => id === 'I1')!.properties.harm).toBe(
      'mapping lost; isolation broken where a page is mapped that its type does not permit',
    );
  });

  it('says why, by the last change of what is concerned', async () => {
    const [{ results }] = (sarifLog(await report('4.22+pvPageAdded=mapped-untyped'), '1.2.3') as Sarif).runs;
    expect(results.find(({ ruleId }) => ruleId === 'I2')!.message.text).toMatch(/ Because: .*type .* → l1/);
  });

  it('has no results of a search that found nothing, and a warning that it is not complete', async () => {
    const [{ results, invocations }] = (sarifLog(await report('4.22'), '1.2.3') as Sarif).runs;
    expect(results).toEqual([]);
    expect(invocations[0].toolExecutionNotifications).toHaveLength(1);
  });
});

describe('a Markdown report', () => {
  it('tells each violation with its steps, and keeps names from being read as markup', async () => {
    const found = await report('4.22+pvPageAdded=mapped-untyped');
    const text = markdownReport(found);
    expect(text).toContain('# a | &#60;b&#62; on 4.22+pvPageAdded=mapped-untyped');
    for (const { invariant } of found.written) expect(text).toContain(`## ${invariant.id}: `);
    const [, ofI1 = ''] = text.split('## I1: ');
    expect(ofI1).toMatch(/^.*\n\nHarm: isolation broken\. Why/);
    expect(text).toMatch(/\| 5 \| `pin_l1_table g 0x10\d` \| ok \|/);
  });

  it('of a safe or bounded search tells what it is about', async () => {
    const text = markdownReport(await report('4.22'));
    expect(text).toContain('**bounded**');
    expect(text).toContain('- Bounds: few');
  });
});
