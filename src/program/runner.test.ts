import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { loadProgram } from './load.js';
import { OPERATIONS } from './operations.js';
import { runProgram } from './runner.js';
import { example, last, PV, program, run, statuses } from './scene.fixture.js';

const GUEST = 'createdomain g\npopulate_physmap g P\n';

/** What is unexpected of the last step, with these lines of expectations. */
const unexpected = (text: string, ...expectations: string[]): readonly string[] =>
  last(`${text}\n${expectations.map((line) => `  expect ${line}\n`).join('')}`).unexpected;

describe('an expected status', () => {
  it.each(['ok', 'EINVAL'])('is met or not: %s', (status) => {
    const pin = `${GUEST}pin_l1_table g P`;
    expect(unexpected(pin, status)).toEqual(status === 'ok' ? [] : ['expected EINVAL, got ok']);
  });

  it('may be one of a grant', () => {
    const map = `${GUEST}map_grant_ref dom0 h g 0`;
    expect(unexpected(map, 'general_error')).toEqual([]);
    expect(unexpected(map, 'ok')).toEqual(['expected ok, got general_error']);
  });
});

describe('a fault', () => {
  const write = `${PV}pin_l1_table g 0x101\ndma nic write 0x101000`;

  it('that nobody expects is a finding', () => {
    expect(unexpected(write)).toEqual(['the device faulted, which nobody expected']);
    expect(unexpected(write, 'ok')).toEqual([
      'expected ok, got fault',
      'the device faulted, which nobody expected',
    ]);
  });

  it('may be expected with a text of the log, or without', () => {
    expect(unexpected(write, 'fault')).toEqual([]);
    expect(unexpected(write, 'fault "PTE Write access is not set"')).toEqual([]);
    expect(unexpected(write, 'fault "PTE Read"')).toEqual(['expected a fault with "PTE Read", got another']);
  });

  it('that does not come is a finding', () => {
    const passes = `${PV}dma nic write 0x101000`;
    expect(unexpected(passes, 'fault')).toEqual(['expected a fault, got none']);
    expect(unexpected(passes, 'fault "x"')).toEqual(['expected a fault with "x", got none']);
  });

  it('has the lines of the log, without the prefix', () => {
    const [{ text } = { text: '' }] = last(write).faults;
    expect(text.split('\n')).toEqual([
      '[VT-D]DMAR:[DMA Write] Request device [0000:03:00.0] fault addr 101000',
      '[VT-D]DMAR: reason 05 - PTE Write access is not set',
    ]);
  });
});

describe('a change', () => {
  it('may be expected by a part of its line', () => {
    const pin = `${GUEST}pin_l1_table g P`;
    expect(unexpected(pin, 'change "type none → l1"')).toEqual([]);
    expect(unexpected(pin, 'change "type none → l4"')).toEqual(['expected a change with "type none → l4"']);
  });

  it('is looked for when changes are not asked for, too', () => {
    const text = `${GUEST}  expect change "totPages 0 → 1"\npin_l1_table g P\n`;
    const { steps, failed } = runProgram(program(text), resolveEdition('4.22'), { changes: false });
    expect(failed).toBe(false);
    expect(steps[2]?.changes).toEqual([]);
  });
});

describe('a broken invariant', () => {
  const text = `${PV.replace(' iommu', '')}decrease_reservation g 0x102\npopulate_physmap g 0x102\npin_l1_table g 0x102`;
  const old = (lines: string): readonly string[] => last(`${text}\n${lines}`, '4.11.0').unexpected;

  it('that nobody expects is a finding', () => {
    expect(old('')).toEqual([
      'I2 is broken: no device writes a page table or descriptor page of a PV domain',
      'REACH is broken: no device reaches a frame its domain may not',
    ]);
  });

  it('may be expected', () => {
    expect(old('  expect violation I2\n  expect violation REACH\n')).toEqual([]);
    expect(old('  expect violation I2\n  expect violation REACH\n  expect violation I19\n')).toEqual([
      'expected a violation of I19',
    ]);
  });

  it('is reported when it breaks, not for as long as it is broken, and again when it breaks again', () => {
    const again = run(`${text}\nchecks 0x101\nunpin_table g 0x102\npin_l1_table g 0x102\n`, '4.11.0');
    expect(
      again.steps.slice(-4).map(({ violations }) => violations.map(({ invariant }) => invariant)),
    ).toEqual([['I2', 'REACH'], [], [], ['I2']]);
  });

  it('says what this violation leads to, and is reported again when that is worse, not when it is less', () => {
    const { steps } = run(
      `${PV}update_va_mapping g va=0 0x101 rw
update_va_mapping g va=1 0x102 rw
grant g 0 g 0x101
map_grant_ref g h g 0 host readonly
populate_physmap g 0x103
update_va_mapping g va=2 0x103 rw
`,
      '4.13+pvPageAdded=mapped-untyped',
    );
    const told = steps.slice(-3).map(({ violations }) => violations.filter((one) => one.invariant === 'I1'));
    expect(told.map((violations) => violations.map(({ harm }) => harm))).toEqual([
      ['mapping lost'],
      ['isolation broken'],
      [],
    ]);
    expect(told[1]![0]!.message).toMatch(/^frame 0x103 .*type none.* is mapped rw/);
  });
});

describe('an operation', () => {
  it('on a domain that was refused answers as for one that does not exist', () => {
    const text = 'createdomain g s3_integrity\npopulate_physmap g P\npin_l1_table g P\ndma0\n'.replace(
      'dma0\n',
      '',
    );
    expect(statuses(text)).toEqual(['EINVAL', 'ESRCH', 'ESRCH']);
  });

  it('on a page that was refused answers as for one that does not exist', () => {
    expect(statuses('createdomain g max_pages=0\npopulate_physmap g P\npin_l1_table g P\n')).toEqual([
      'ok',
      'EBUSY',
      'EINVAL',
    ]);
  });

  it('on a handle that was refused answers bad_handle', () => {
    expect(statuses(`${GUEST}map_grant_ref dom0 h g 0\nunmap_grant_ref dom0 h\n`).slice(2)).toEqual([
      'general_error',
      'bad_handle',
    ]);
  });

  it('on a device that the machine does not have gets Xen’s errno', () => {
    expect(last('createdomain g iommu\nassign_device g nowhere\n').status).toBe('ENODEV');
    expect(last('createdomain g\nassign_device g nowhere\n', '4.12').status).toBe('EBUSY');
  });

  it.each([
    ['pin_l1_table h 0x100', 'unknown domain `h`'],
    ['pin_l1_table dom0 Q', 'unknown page `Q`'],
    ['unmap_grant_ref dom0 h', 'unknown handle `h`'],
    ['dma nic read 0x100000', 'unknown device `nic`'],
    ['same_state m', 'unknown mark `m`'],
    ['pin_l1_table dom0 0x999', 'frame 0x999 is beyond'],
  ])('that nothing can stand for is refused before anything runs: %s', (text, message) => {
    expect(() => run(`${text}\n`)).toThrow(InputError);
    expect(() => run(`${text}\n`)).toThrow(message);
  });

  it('that needs a lock which a hypercall holds is blocked, and changes nothing', () => {
    const text = `${PV.replace(' iommu', '').replace('assign_device g nic\n', '')}
update_va_mapping g va=0 0x101 rw
begin assign_device g nic
step until=recheck
mark before
decrease_reservation g 0x102
same_state before
`;
    expect(statuses(text, '4.12').slice(-2)).toEqual(['blocked', 'ok']);
  });

  it('begins no more hypercalls than the domain’s limit at a time', () => {
    const text = `${PV.replace(' iommu', '').replace('assign_device g nic\n', '')}
begin assign_device g nic
begin assign_device g nic
`;
    expect(statuses(text, '4.12').slice(-2)).toEqual(['at pop', 'blocked']);
    // Up to 4.13 the second one does not wait for the lock but starts over until it has it.
    expect(statuses(`limits calls=2\n${text}`, '4.12').slice(-2)).toEqual(['at pop', 'at domctl']);
  });

  it('of a host that is down does nothing', () => {
    const text = `${PV.replace(' iommu', '')}decrease_reservation g 0x102
populate_physmap g 0x102
pin_l1_table g 0x102
dma nic write 0x102000 value=0x100003
unpin_table g 0x102
checks 0x102
`;
    const { steps } = run(text, '4.11.0');
    expect(steps.at(-2)!.violations.map(({ invariant }) => invariant)).toContain('BUG');
    expect(steps.at(-1)).toMatchObject({ status: 'host is down', changes: [], faults: [] });
  });
});

describe('mark and same_state', () => {
  it('tell whether the state is as it was, word for word', () => {
    const text = `${GUEST}mark m\npin_l1_table g P\nsame_state m\nunpin_table g P\nsame_state m\n`;
    // Unpinned, the page keeps the type of a page table.
    expect(statuses(text).slice(2)).toEqual(['ok', 'ok', 'different', 'ok', 'different']);
    const back = `${GUEST}mark m\ngrant g 0 dom0 P\nsame_state m\nend_grant g 0\nsame_state m\n`;
    expect(statuses(back).slice(2)).toEqual(['ok', 'ok', 'different', 'ok', 'ok']);
  });
});

describe('a hypercall step by step', () => {
  const LATE = PV.replace(' iommu', '').replace('assign_device g nic\n', '');

  it('counts its steps, which up-front are one', () => {
    expect(last(PV)).toMatchObject({ status: 'ok', hypercallSteps: 1 });
    expect(last(`${LATE}assign_device g nic\n`, '4.12').hypercallSteps).toBeGreaterThan(4);
  });

  it('tells where it stands, and that there is none', () => {
    const text = `${LATE}step\nbegin assign_device g nic\nstep\nfinish\nstep until=map\n`;
    expect(statuses(text, '4.12').slice(3)).toEqual(['idle', 'at pop', 'at append', 'ok', 'idle']);
  });

  it('is given up after as many steps as asked', () => {
    const text = `${LATE}begin assign_device g nic\nfinish max_steps=2\n`;
    expect(last(text, '4.12')).toMatchObject({ status: 'at pop', hypercallSteps: 2 });
  });
});

describe('a report', () => {
  it('is the same each time, in the shape that scripts rely on', () => {
    const text = `${PV}pin_l1_table g 0x101\ndma nic write 0x101000\n`;
    expect(run(text)).toEqual(run(text));
    const { edition, steps, failed } = run(text);
    expect({ edition, failed }).toEqual({ edition: '4.22', failed: true });
    for (const step of steps) {
      expect(step).toMatchObject({
        line: expect.any(Number),
        op: expect.any(String),
        status: expect.any(String),
        changes: expect.any(Array),
        faults: expect.any(Array),
      });
    }
  });

  it('does not fail where everything is as expected', () => {
    expect(run(PV).failed).toBe(false);
  });
});

describe('every operation of the language', () => {
  it('has somebody who performs it', async () => {
    const { HANDLERS } = await import('./handlers.js');
    expect(Object.keys(HANDLERS).sort()).toEqual(OPERATIONS.map(({ name }) => name).sort());
  });
});

describe('a domain that is destroyed', () => {
  const gone = (statement: string) => last(`${GUEST}createdomain h\ndestroydomain g\n${statement}\n`).status;

  it.each([
    ['destroydomain g', 'ESRCH'],
    ['max_mem g 3', 'ESRCH'],
    ['populate_physmap g Q', 'EBUSY'],
    ['decrease_reservation g P', 'EINVAL'],
    ['memory_exchange g P Q', 'ESRCH'],
    ['pin_l1_table g P', 'ESRCH'],
    ['unpin_table g P', 'ESRCH'],
    ['mmu_update g P[0]', 'ESRCH'],
    ['update_va_mapping g va=0 P rw', 'ESRCH'],
    ['update_va_mapping dom0 va=0 P rw of=g', 'ESRCH'],
    ['store g P[0]', 'ESRCH'],
    ['grant g 0 dom0 P', 'ESRCH'],
    ['grant h 0 g P', 'ok'],
    ['end_grant g 0', 'ESRCH'],
    ['map_grant_ref g m h 0', 'ESRCH'],
    ['map_grant_ref dom0 m g 0', 'bad_domain'],
    ['map_grant_ref dom0 m dom_invalid 0', 'bad_domain'],
    ['assign_device g nic', 'ESRCH'],
    ['test_assign_device g nic', 'ESRCH'],
    ['deassign_device g nic', 'ESRCH'],
  ])('keeps its name for what is no more: %s: %s', (statement, status) => {
    expect(gone(statement)).toBe(status);
  });

  const zombie = (statement: string) =>
    last(`${GUEST}update_va_mapping dom0 va=0 P rw of=g\ndestroydomain g\n${statement}\n`).status;

  it.each([
    ['destroydomain g', 'ok'],
    ['populate_physmap g Q', 'EBUSY'],
    ['memory_exchange g P Q', 'EINVAL'],
    ['update_va_mapping dom0 va=1 P ro of=g', 'ok'],
    ['update_va_mapping g va=0 P rw', 'not running'],
    ['store g P[0]', 'not running'],
    ['grant g 0 dom0 P', 'not running'],
    ['end_grant g 0', 'not running'],
    ['map_grant_ref g m dom0 0', 'not running'],
    ['map_grant_ref dom0 m g 0', 'general_error'],
  ])('but for a page that dom0 has mapped does nothing by itself: %s: %s', (statement, status) => {
    expect(zombie(statement)).toBe(status);
  });

  it('frees its name for another, once', () => {
    expect(statuses('createdomain g\ndestroydomain g\ncreatedomain g\npopulate_physmap g P\n')).toEqual(
      new Array(4).fill('ok'),
    );
    const twice = 'createdomain g\ndestroydomain g\ncreatedomain g\ncreatedomain g\n';
    expect(() => run(twice)).toThrow('there is a domain `g` already, since line 3');
  });

  it('frees no name that is always there', () => {
    for (const name of ['dom0', 'dom_io', 'dom_invalid']) {
      expect(() => run(`destroydomain ${name}\ncreatedomain ${name}\n`)).toThrow(
        `there is a domain \`${name}\` already, from the start`,
      );
    }
    expect(statuses('destroydomain dom0\ndestroydomain dom_io\ndestroydomain dom_invalid\n')).toEqual([
      'EINVAL',
      'ESRCH',
      'ESRCH',
    ]);
  });

  it('waits while a hypercall is in the middle of a slice', () => {
    const text = `${PV.replace(' iommu', '').replace('assign_device g nic\n', '')}
begin assign_device g nic
destroydomain g
finish
destroydomain g
`;
    expect(statuses(text, '4.12').slice(-4)).toEqual(['at pop', 'blocked', 'ok', 'ok']);
  });
});

describe('memory_exchange', () => {
  it('names the new page and frees the old one’s name', () => {
    const text = `${GUEST}memory_exchange g P Q\nmap_it\npopulate_physmap g P\nmemory_exchange g Q 0x120\n`;
    expect(statuses(text.replace('map_it', 'update_va_mapping g va=0 Q rw'))).toEqual([
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
      'EINVAL',
    ]);
    expect(statuses(text.replace('map_it', 'pin_l1_table g P')).slice(3)).toEqual(['EINVAL', 'ok', 'ok']);
  });
});

describe('an example', () => {
  it.each(['quarantine-life.dommu', 'grant-multiplicity.dommu'])('%s goes as it says since 4.17', (name) => {
    for (const edition of ['4.17', '4.18', '4.19', '4.20', '4.21', '4.22', 'staging']) {
      const { steps } = runProgram(loadProgram(example(name)), resolveEdition(edition));
      expect(steps.flatMap(({ op, unexpected }) => unexpected.map((what) => `${op}: ${what}`))).toEqual([]);
    }
  });
});

describe('the memory map of a machine', () => {
  const reads = (edition: string, dom0: string, region: string): string =>
    runProgram(
      program(
        `ram 0x100..0x10f\ndom0 ${dom0}\ndevice nic 0000:03:00.0\n${region}\ndma nic read 0xe0000000\n`,
      ),
      resolveEdition(edition),
    ).steps.at(-1)!.status;

  it('is what a PV dom0’s devices reach beyond RAM, as the release maps it and dom0-iommu says', () => {
    expect(reads('4.22', 'strict', 'e820 0xe0000..0xe0001 reserved')).toBe('ok');
    expect(reads('4.22', 'strict no-map-reserved', 'e820 0xe0000..0xe0001 reserved')).toBe('fault');
    expect(reads('4.22', 'relaxed', 'e820 0xe0000..0xe0000 hole')).toBe('fault');
    expect(reads('4.22', 'relaxed map-inclusive', 'e820 0xe0000..0xe0000 hole')).toBe('ok');
    expect(reads('4.11', 'relaxed', 'e820 0xe0000..0xe0000 hole')).toBe('ok');
    expect(reads('4.11', 'relaxed no-map-inclusive', 'e820 0xe0000..0xe0000 hole')).toBe('fault');
    expect(reads('4.22', 'relaxed', 'e820 0xe0000..0xe0000 reserved denied')).toBe('fault');
    expect(reads('4.22', 'relaxed', 'e820 0xe0000..0xe0000 hole read-only')).toBe('ok');
  });
});

describe('what a run holds its steps against', () => {
  const broken = (check: 'all' | 'searched' | 'none'): string[] => {
    const text = 'machine x86\nram 0x100..0x104\ndom0 pages=1\ncreatedomain g iommu\npopulate_physmap g P\n';
    const selfGrant = `${text}grant g 0 g P\nmap_grant_ref g h g 0 host readonly\n`;
    const { steps } = runProgram(program(selfGrant), resolveEdition('4.13'), { check });
    return steps.flatMap(({ violations }) => violations.map(({ invariant }) => invariant));
  };

  it('is what a search looks at, or all, or nothing', () => {
    expect(broken('searched')).toEqual(['I13', 'I1']);
    expect(broken('all')).toEqual(broken('searched'));
    expect(broken('none')).toEqual([]);
  });

  it('decides whether a violation that is expected and does not come is a finding', () => {
    const late = `${GUEST}unpin_table g P\n  expect violation I1\n`;
    const findings = (check: 'all' | 'searched' | 'none') =>
      runProgram(program(late), resolveEdition('4.22'), { check }).steps.at(-1)!.unexpected;
    expect(findings('searched')).toEqual(['expected a violation of I1']);
    expect(findings('none')).toEqual([]);
  });
});
