import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Store } from '../store/store.js';
import { CellsModel } from './cells.fixture.js';
import { Memo, type StoreModel } from './memo.js';
import { type Property, UNFORESEEN } from './model.js';
import { search } from './search.js';

/**
 * Counters from 0 to `top`. Action n raises counter n while the one before it is higher; one more action sets all to 0. What its functions were asked is counted.
 */
class Counters implements StoreModel {
  readonly state = new Store(1);
  readonly actionCount: number;
  readonly properties: readonly Property[];
  asked = 0;
  private readonly base: number;
  private readonly count: number;
  private readonly top: number;
  private sum = 0;

  constructor(count: number, top: number, limit = Number.POSITIVE_INFINITY) {
    this.count = count;
    this.top = top;
    this.base = this.state.addPages(1, 1);
    this.actionCount = count + 1;
    this.properties = [
      {
        id: 'first stays low',
        violation: () => {
          this.asked++;
          return this.get(0) <= limit ? undefined : `the first is ${this.get(0)}`;
        },
      },
      {
        id: 'nothing is lost',
        remember: () => {
          this.sum = this.total();
        },
        violation: () => {
          this.asked++;
          return this.total() >= this.sum ? undefined : `${this.sum} became ${this.total()}`;
        },
      },
    ];
  }

  get(counter: number): number {
    return this.state.read(this.base + (counter % this.count));
  }

  private total(): number {
    let sum = 0;
    for (let n = 0; n < this.count; n++) sum += this.get(n);
    return sum;
  }

  perform(action: number): boolean {
    this.asked++;
    if (action === this.count) {
      for (let n = 0; n < this.count; n++) this.state.write(this.base + n, 0);
      return true;
    }
    const mine = this.get(action);
    const before = this.get(action + this.count - 1);
    if (mine === this.top || (action > 0 && mine >= before)) return false;
    this.state.write(this.base + action, mine + 1);
    return true;
  }
}

/**
 * A dial of 40 marks, which action n turns to mark n, and a lamp that the last action lights at the last. There are far more
 * ways to turn the dial than marks, and the property of steps, that a lamp once lit stays so, does not look at it.
 */
class Dial implements StoreModel {
  readonly state = new Store(1);
  readonly actionCount = MARKS + 1;
  private readonly base = this.state.addPages(1, 1);
  private wasLit = 0;
  readonly properties: readonly Property[] = [
    {
      id: 'a lamp stays lit',
      remember: () => {
        this.wasLit = this.lamp;
      },
      violation: () => (this.lamp >= this.wasLit ? undefined : 'it is out'),
    },
  ];

  private get lamp(): number {
    return this.state.read(this.base + 1);
  }

  perform(action: number): boolean {
    const { state, base } = this;
    if (action < MARKS) state.write(base, action);
    else if (state.read(base) === MARKS - 1) state.write(base + 1, 1 - this.lamp);
    else return false;
    return true;
  }
}
const MARKS = 40;

const both = (make: () => StoreModel) =>
  Promise.all([search(make(), { bounds: {} }), search(new Memo(make()), { bounds: {} })]);

describe('a model that remembers', () => {
  it('is searched to the same end', async () => {
    const [plain, memo] = await both(() => new Counters(3, 4, 2));
    const { seconds: _s, cpuSeconds: _c, bytes: _b, ...result } = plain;
    expect(memo).toMatchObject(result);
    expect(plain.violations.map(({ property }) => property).sort()).toEqual([
      'first stays low',
      'nothing is lost',
    ]);
  });

  it('asks the model only what it was not asked before', async () => {
    const [plain, watched] = [new Counters(5, 9), new Counters(5, 9)];
    await search(plain, { bounds: {} });
    const memo = new Memo(watched);
    const { states } = await search(memo, { bounds: {} });
    expect(states).toBeGreaterThan(100);
    expect(watched.asked).toBeLessThan(plain.asked / 2);
    // What was learnt before all that changes had changed was forgotten; another search learns it again.
    await search(memo, { bounds: {} });
    const { asked } = watched;
    await search(memo, { bounds: {} });
    // The one thing that a memo does not keep is the message of what is broken.
    expect(watched.asked).toBe(asked + 1);
  });

  it('takes what never changed for constant, until it changes', () => {
    const model = new Counters(2, 3);
    const memo = new Memo(model);
    const { state } = memo;
    for (let n = 0; n < 2; n++) expect([memo.perform(1), memo.misses]).toEqual([false, 1]);
    expect([memo.perform(0), memo.misses]).toEqual([true, 1]);
    expect([memo.perform(1), memo.misses]).toEqual([true, 2]);
    state.rollback(0);
    for (let n = 0; n < 2; n++) expect([memo.perform(1), memo.misses]).toEqual([false, 3]);
  });

  it('judges a step of which very many went before that did not have to be judged', async () => {
    const [plain, memo] = await both(() => new Dial());
    const { seconds: _s, cpuSeconds: _c, bytes: _b, ...result } = plain;
    expect(memo).toMatchObject(result);
    expect(plain.states).toBe(2 * MARKS);
    expect(plain.violations).toEqual([
      expect.objectContaining({ property: 'a lamp stays lit', actions: [MARKS - 1, MARKS, MARKS] }),
    ]);
  });

  it('is asked about any step first', () => {
    const model = new Counters(1, 2000);
    const memo = new Memo(model);
    const [, lost] = memo.properties;
    const judged = (action: number) => {
      const mark = memo.state.mark();
      lost!.remember!();
      memo.perform(action);
      const message = lost!.violation();
      memo.state.rollback(mark);
      return message;
    };
    for (let n = 0; n < 1500; n++) memo.perform(0);
    expect([judged(0), judged(1), judged(0), judged(1)]).toEqual([
      undefined,
      '1500 became 0',
      undefined,
      '1500 became 0',
    ]);
  });

  it('judges a step by the state that it began from', () => {
    const model = new Counters(2, 3);
    const memo = new Memo(model);
    const lost = memo.properties.find(({ id }) => id === 'nothing is lost')!;
    const reset = () => {
      lost.remember!();
      memo.perform(2);
      const message = lost.violation();
      memo.state.rollback(0);
      return message;
    };
    expect([reset(), reset()]).toEqual([undefined, undefined]);
    memo.perform(0);
    const mark = memo.state.mark();
    for (let n = 0; n < 3; n++) {
      lost.remember!();
      memo.perform(2);
      expect(lost.violation()).toBe('1 became 0');
      memo.state.rollback(mark);
    }
  });

  it('foresees what actions would do, and leaves the state as it is', () => {
    const memo = new Memo(new Counters(2, 3));
    const { state, effects, possible, foreseen } = memo;
    const look = () => {
      const count = memo.look();
      return Array.from({ length: count }, (_, n) => {
        const effect = foreseen[n]!;
        return [possible[n], ...effects.changes.slice(effects.start(effect), effects.end(effect))];
      });
    };
    for (let n = 0; n < 2; n++) {
      expect(look()).toEqual([[0, 0, 0, 1]]);
      expect(state.journalLength).toBe(0);
    }
    memo.perform(0);
    for (let n = 0; n < 2; n++) {
      expect(look()).toEqual([
        [0, 0, 1, 2],
        [1, 1, 0, 1],
        [2, 0, 1, 0],
      ]);
      expect(state.journalLength).toBe(1);
    }
    for (const { remember } of memo.properties) remember?.();
    for (let n = 0; n < 2; n++) {
      const holds = Array.from(foreseen.slice(0, 3), (effect) => memo.stepPropertiesHold(effect));
      expect(holds).toEqual([true, true, false]);
      expect(memo.statePropertiesHold()).toBe(true);
      expect(state.journalLength).toBe(1);
    }
  });

  it('does not perform in vain what it has no room to learn', () => {
    const memo = new Memo(new Counters(2, 3), 0);
    memo.look();
    expect([memo.look(), ...memo.possible, ...memo.foreseen]).toEqual([
      3,
      0,
      1,
      2,
      ...Array(3).fill(UNFORESEEN),
    ]);
    expect([memo.perform(0), memo.state.journalLength]).toEqual([true, 1]);
  });

  it('tells the model once where steps begin that it has no room to learn', () => {
    const model = new Counters(2, 3);
    const [, lost] = model.properties;
    let told = 0;
    const remember = () => {
      told++;
      lost!.remember!();
    };
    const counting = { ...lost!, remember };
    const memo = new Memo(Object.assign(model, { properties: [counting] }), 0);
    const [asked] = memo.properties;
    const reset = () => {
      memo.perform(2);
      const message = asked!.violation();
      memo.state.rollback(memo.state.journalLength - 1);
      return message;
    };
    for (const count of [1, 2]) {
      memo.perform(0);
      told = 0;
      asked!.remember!();
      expect([reset(), reset(), reset(), told]).toEqual([...Array(3).fill(`${count} became 0`), 1]);
    }
  });

  it('looks at groups of actions and at single ones alike', async () => {
    const make = () => new Counters(6, 4);
    const { seconds: _s, cpuSeconds: _c, bytes: _b, ...plain } = await search(make(), { bounds: {} });
    expect(plain.states).toBe(210);
    const memo = new Memo(make());
    expect(await search(memo, { bounds: {} })).toMatchObject(plain);
    // Many combinations of the counters split the group of all seven; each pair of counters is met again and again.
    const before = memo.misses;
    expect(await search(memo, { bounds: {} })).toMatchObject(plain);
    expect(memo.misses - before).toBeLessThan(before);
  });

  it('is searched to the same end with symmetries', async () => {
    const rule = fc.record({ from: fc.nat(2), to: fc.nat(3), pointedAt: fc.boolean() });
    const model = fc.tuple(
      fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
      fc.array(rule, { maxLength: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(
        model,
        fc.constantFrom('exact' as const, '64' as const),
        async ([contents, rules], hash) => {
          const make = () => new CellsModel(contents, rules, 3);
          const options = { bounds: {}, hash };
          const { seconds: _s, cpuSeconds: _c, bytes: _b, ...plain } = await search(make(), options);
          expect(await search(new Memo(make()), options)).toMatchObject(plain);
        },
      ),
    );
  });

  it('goes on without what it has no room for', async () => {
    for (const bytes of [0, 40, 400, 4000]) {
      const memo = new Memo(new Counters(3, 4, 2), bytes);
      const plain = await search(new Counters(3, 4, 2), { bounds: {} });
      const { seconds: _s, cpuSeconds: _c, bytes: _b, ...result } = plain;
      expect(await search(memo, { bounds: {} })).toMatchObject(result);
    }
  });

  it('does in every state what the model does', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 300, 1 << 20),
        fc.array(fc.tuple(fc.nat(4), fc.boolean()), { maxLength: 200 }),
        (bytes, walk) => {
          const plain = new Counters(4, 3, 2);
          const memo = new Memo(new Counters(4, 3, 2), bytes);
          for (const [action, stay] of walk) {
            const marks = [plain.state.mark(), memo.state.mark()] as const;
            for (const { properties } of [plain, memo]) for (const { remember } of properties) remember?.();
            expect(memo.perform(action)).toBe(plain.perform(action));
            expect(memo.state.hashText()).toBe(plain.state.hashText());
            expect(memo.properties.map((property) => property.violation())).toEqual(
              plain.properties.map((property) => property.violation()),
            );
            if (stay) continue;
            plain.state.rollback(marks[0]);
            memo.state.rollback(marks[1]);
          }
        },
      ),
    );
  });

  it('refuses a model whose actions depend on more than the state', () => {
    class Moody extends Counters {
      private mood = 0;
      override perform(action: number): boolean {
        if (action === 0 && this.get(1 + (this.mood++ % 2)) > 9) return false;
        return super.perform(action);
      }
    }
    const memo = new Memo(new Moody(3, 3));
    // What it looks at first changes, so it is asked again, and looks elsewhere.
    const walk = () => {
      for (let n = 0; n < 30; n++) memo.perform(n % 4);
    };
    expect(walk).toThrow('more than the words that it reads');
  });
});
