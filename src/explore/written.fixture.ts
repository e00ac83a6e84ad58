import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ramRoles } from '../xen/ram-roles.js';
import { Explorer } from './explorer.js';
import { wordOf } from './here.js';

const file = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

/** The explorer of a program's text. */
export function explore(text: string, edition?: string): Explorer {
  return new Explorer({ name: 'test.dommu', text, configs: {}, ...(edition !== undefined && { edition }) });
}

/** The explorer of one of the examples, with the configs that it takes domains from. */
export function exploreExample(name: string, edition?: string): Explorer {
  const configs = Object.fromEntries(
    ['guest-pv-hotplug.cfg', 'arm-guest.cfg'].map((config) => [
      config,
      { name: config, content: file(config) },
    ]),
  );
  return new Explorer({ name, text: file(name), configs, ...(edition !== undefined && { edition }) });
}

/** The number of the first step whose statement begins so, from `from` on. @throws RangeError when there is none. */
export function stepOf(explorer: Explorer, text: string, from = 1): number {
  for (let step = from; step <= explorer.opened.length; step++) {
    if (explorer.answer(step, 'steps', { from: step, count: 1 })[0]!.text.startsWith(text)) return step;
  }
  throw new RangeError(`no step is ${text}`);
}

/** The word of a table's field. */
export function fieldWord({ timeline }: Explorer, table: string, row: number, field: string): number {
  return wordOf(timeline.xen.layout.tables.find(({ name }) => name === table)!, row, field);
}

/** The words of the entry in RAM that is called so after a step which wrote some of them. @throws RangeError for none. */
export function entryCalled({ timeline }: Explorer, step: number, what: string): number[] {
  const written = [...timeline.valuesBefore(step).keys()];
  return timeline.lookAt(step, (xen) => {
    const roleOf = ramRoles(xen);
    for (const word of written) {
      const pa = xen.ram.addressOf(word);
      const role = pa < 0 ? undefined : roleOf(Math.floor(pa / 4096));
      if (role === undefined || role.name(Math.floor((pa % 4096) / role.entryBytes)) !== what) continue;
      const first = word - (pa % role.entryBytes) / 4;
      return Array.from({ length: role.entryBytes / 4 }, (_, i) => first + i);
    }
    throw new RangeError(`step ${step} wrote nothing that is called ${what}`);
  });
}

/** Index of the frame that a name stands for at the end of the run. @throws RangeError when it stands for none. */
export function frameNamed({ timeline }: Explorer, name: string): number {
  const frame = timeline.lookAt(timeline.length, (_, names) => names.pages.get(name));
  if (frame === undefined) throw new RangeError(`nothing is called ${name}`);
  return timeline.xen.ram.indexOf(frame);
}
