import type { Names, NameTable } from '../names.js';

interface Naming {
  readonly step: number;
  readonly table: NameTable;
  readonly name: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** What names of domains, pages and handles came to stand for in a run, and when. Marks stay where they are. */
export class NameHistory {
  private readonly namings: Naming[] = [];
  private readonly tables: readonly NameTable[];
  /** Namings that hold at present. */
  private applied = 0;

  constructor(names: Names) {
    this.tables = [names.domains, names.pages, names.handles];
  }

  /** Namings so far. */
  get count(): number {
    return this.namings.length;
  }

  /** Notes what happens to names from now on; `step` says in which step. */
  listen(step: () => number): void {
    for (const table of this.tables) {
      table.told = (name, before, after) => {
        this.namings.push({ step: step(), table, name, before, after });
        this.applied++;
      };
    }
  }

  /** From now on names are moved about in the history. */
  stopListening(): void {
    for (const table of this.tables) table.told = undefined;
  }

  /** Lets names stand for what they did after `step`. */
  move(step: number): void {
    const { namings } = this;
    for (
      let one = namings[this.applied];
      one !== undefined && one.step <= step;
      one = namings[++this.applied]
    ) {
      put(one, one.after);
    }
    for (
      let one = namings[this.applied - 1];
      one !== undefined && one.step > step;
      one = namings[this.applied - 1]
    ) {
      put(one, one.before);
      this.applied--;
    }
  }
}

function put({ table, name }: Naming, value: number | undefined): void {
  if (value === undefined) table.delete(name);
  else table.set(name, value);
}
