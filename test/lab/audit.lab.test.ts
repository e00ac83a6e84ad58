import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChangedRange, compareSurveys } from '../../src/audit/compare.js';
import { NOTHING_EXPECTED } from '../../src/audit/findings/finding.js';
import { judge as judgeSurvey } from '../../src/audit/findings/judge.js';
import { Inputs } from '../../src/audit/inputs.js';
import { openImage } from '../../src/audit/memory/open.js';
import type { AuditedDevice, Survey } from '../../src/audit/survey.js';
import { surveyMachine } from '../../src/audit/survey-machine.js';
import { labJudge } from '../../src/conform/judge.js';
import { type Moment, runLockstep } from '../../src/conform/lockstep.js';
import { rightsText } from '../../src/formats/address.js';
import type { LabMachine } from '../../src/lab/machine-api.js';
import { startLab } from '../../src/lab/qemu/lab.js';
import { sbdfOfRequester } from '../../src/logs/values.js';
import { parseProgramText } from '../../src/program/load.js';
import { SourceText } from '../../src/text/source.js';

const EDU = '0000:00:04.0';

/** A device's life: dom0's, assigned, its domain's pages pinned and unpinned, DMA at each turn, given back, quarantined. */
const STORY = `
machine x86
ram 0x100..0x13f
iommu vtd
device edu ${EDU}
createdomain a iommu max_pages=8
createdomain b iommu max_pages=8
populate_physmap a P
populate_physmap a Q
populate_physmap b F
assign_device a edu
dma edu write P+0x10 value=0
dma edu write F+0x0
pin_l1_table a Q
dma edu write Q+0x0
unpin_table a Q
update_va_mapping a va=0 Q rw
dma edu write Q+0x0 value=0
decrease_reservation a P
dma edu write P+0x0
deassign_device a edu
dma edu read Q+0x0
`;

/** The machine, audited from outside: its RAM as a file, and where the root table is. */
async function auditOf(machine: LabMachine): Promise<Survey> {
  const image = await openImage(`raw:${machine.ramPath}`, { layout: 'q35' });
  try {
    return surveyMachine(image, [
      {
        kind: machine.iommu === 'amdvi' ? 'amdvi' : 'vtd',
        segment: 0,
        table: machine.rootTable,
        registers: null,
        enabled: null,
        foundBy: '--rtaddr',
      },
    ]);
  } finally {
    await image.close();
  }
}

const deviceNamed = ({ devices }: Survey, sbdf: string): AuditedDevice | undefined =>
  devices.find((device) => device.sbdf === sbdf);

/** What the audit says of a device at an input frame. */
function rightsOf(survey: Survey, device: AuditedDevice | undefined, input: number): string {
  if (device?.translation === 'passthrough') return 'rw';
  if (device?.space == null) return '--';
  const inputs = new Inputs(survey.spaces[device.space]!.ranges);
  inputs.find(input);
  return rightsText(inputs.frame < 0 ? 0 : inputs.rights & device.rights);
}

/** What the model and the audit say of all devices and all frames that the program knows. */
function bothSides(survey: Survey, { modelView, devices, bindings }: Moment): [string[], string[]] {
  const model: string[] = [];
  const audit: string[] = [];
  for (const { name, requester, realRequester } of devices) {
    modelView.select(requester);
    const found = deviceNamed(survey, sbdfOfRequester(realRequester));
    model.push(`${name} ${modelView.state}`);
    audit.push(`${name} ${found?.translation ?? 'blocked'}`);
    for (const [frame, mfn] of bindings) {
      model.push(`${name} ${frame} ${rightsText(modelView.rights(frame))}`);
      audit.push(`${name} ${frame} ${rightsOf(survey, found, mfn)}`);
    }
  }
  return [model, audit];
}

/** `+1 rw`: pages that came, went or changed their rights. */
function changeText({ count, before, after }: ChangedRange): string {
  if (before.frame < 0) return `+${count} ${rightsText(after.rights)}`;
  return after.frame < 0 ? `-${count} ${rightsText(before.rights)}` : `~${count} ${rightsText(after.rights)}`;
}

describe.each(['vtd', 'amdvi'] as const)('the audit of a real Xen on %s, from outside', (iommu) => {
  let machine: LabMachine;
  beforeAll(async () => {
    machine = await startLab({ iommu });
  });
  afterAll(() => machine?.close());

  it('says at each moment of a device’s life what the model predicts and what its DMA meets', async () => {
    const program = parseProgramText(
      new SourceText('story.dommu', STORY.replace('iommu vtd', `iommu ${iommu}`)),
    );
    const seen: string[] = [];
    const pages = new Map<string, number>();
    let before: Survey | undefined;
    const look = async (moment: Moment): Promise<void> => {
      const survey = await auditOf(machine);
      const [model, audit] = bothSides(survey, moment);
      expect(audit).toEqual(model);
      const { statement, outcome, bindings } = moment;
      if (statement?.op === 'populate_physmap') {
        const known = new Set(pages.values());
        for (const [, mfn] of bindings) if (!known.has(mfn)) pages.set(String(statement.args.page), mfn);
      }
      if (statement?.op === 'dma') {
        const page = JSON.stringify(statement.args.address).replace(/[^PQF]/g, '');
        const reach = rightsOf(before!, deviceNamed(before!, EDU), pages.get(page)!);
        const dma = iommu === 'vtd' ? `: ${outcome!.status === 'ok' ? 'done' : 'refused'}` : '';
        seen.push(`${statement.args.access} ${page}, audited ${reach}${dma}`);
      } else if (before !== undefined && statement !== undefined) {
        const change = compareSurveys(before, survey).find(({ sbdf }) => sbdf === EDU);
        const state = (of: typeof change & {}) => of.after?.translation ?? 'no entry';
        seen.push(
          change === undefined
            ? `${statement.op}: nothing`
            : `${statement.op}: ${state(change)}, ${change.ranges.map(changeText).slice(0, 2).join(', ')}`,
        );
      }
      before = survey;
    };
    const result = await runLockstep(program, labJudge(machine), { look });
    expect(result).toEqual({ operations: 17 });
    expect(seen).toMatchInlineSnapshot(`
      [
        "createdomain: nothing",
        "createdomain: nothing",
        "populate_physmap: nothing",
        "populate_physmap: nothing",
        "populate_physmap: nothing",
        "assign_device: translated, -143 rw, -15 rw",
        "write P, audited rw: done",
        "write F, audited --: refused",
        "pin_l1_table: translated, -1 rw",
        "write Q, audited --: refused",
        "unpin_table: nothing",
        "update_va_mapping: translated, +1 rw",
        "write Q, audited rw: done",
        "decrease_reservation: translated, -1 rw",
        "write P, audited --: refused",
        "deassign_device: no entry, -1 rw",
        "read Q, audited --: refused",
      ]
    `);
  });

  it('finds nothing wrong with the tables that Xen made, and what a relaxed dom0 reaches', async () => {
    const findings = judgeSurvey(await auditOf(machine), NOTHING_EXPECTED);
    console.log(findings.map((f) => f.message).join('\n'));
    const codes = new Set(findings.map(({ code }) => code));
    expect([...codes]).toEqual([]);
  });
});
