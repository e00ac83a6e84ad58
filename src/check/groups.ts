/** Functions with numbers from `first` up to but not including `end`, asked as one. */
export interface Group {
  /** The group's number among all functions that are asked; of no other group, ever. */
  readonly of: number;
  readonly first: number;
  readonly end: number;
  /** Times it was asked, and times something was learnt then. */
  asked: number;
  learnt: number;
}

/** Times that a group may learn something without being asked more often. */
const GRACE = 64;
/** How often it must be asked for each time it learns something, for it to be worth it. */
const WORTH = 64;

/**
 * Functions that are asked together, in as large groups as pay. Functions that look at the same words, as actions of one
 * kind do, are answered by one look at them; but a group of functions that look at different words meets ever new
 * combinations, and is split in two.
 */
export class Groups {
  readonly groups: Group[] = [];
  private readonly byFunction: Group[] = [];
  private readonly newFunction: () => number;

  /** @param newFunction numbers of functions not used so far. */
  constructor(count: number, size: number, newFunction: () => number) {
    this.newFunction = newFunction;
    for (let first = 0; first < count; first += size)
      this.groups.push(this.make(first, Math.min(first + size, count)));
  }

  private make(first: number, end: number): Group {
    const group = { of: this.newFunction(), first, end, asked: 0, learnt: 0 };
    for (let n = first; n < end; n++) this.byFunction[n] = group;
    return group;
  }

  /** The group of a function. */
  of(number: number): Group {
    return this.byFunction[number]!;
  }

  /** The group has learnt something; it is split when it does so too often. */
  noteLearnt(group: Group): void {
    group.learnt++;
    if (group.learnt > GRACE + group.asked / WORTH) this.split(group);
  }

  /** Makes two of a group of several. */
  split(group: Group): void {
    const { first, end } = group;
    if (end - first === 1 || this.of(first) !== group) return;
    const middle = first + ((end - first) >> 1);
    this.groups.splice(this.groups.indexOf(group), 1, this.make(first, middle), this.make(middle, end));
  }
}
