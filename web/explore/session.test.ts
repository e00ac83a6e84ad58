import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Opened } from '../../src/explore/explorer.js';
import { internalProblem } from '../../src/explore/internal-problem.js';
import type { ExploreSource } from '../../src/explore/source.js';
import { beginModel } from './head-start.js';
import { Session } from './session.js';

/** A worker that says what the test has it say. */
class ScriptedWorker {
  static last: ScriptedWorker;
  readonly asked: Readonly<Record<string, unknown>>[] = [];
  onmessage: (event: { data: unknown }) => void = () => {};
  onerror: (event: { message?: string }) => void = () => {};

  constructor() {
    ScriptedWorker.last = this;
  }

  dispatchEvent(event: { data: unknown }): void {
    this.onmessage(event);
  }

  postMessage(request: Readonly<Record<string, unknown>>): void {
    // What the page asks at every step: nothing, for no part of it is on the screen.
    if (Array.isArray(request.questions) && request.questions.length === 0)
      queueMicrotask(() => this.onmessage({ data: { id: request.id, answers: [] } }));
    else this.asked.push(request);
  }

  /** Answers the oldest request that is left. */
  async answer(reply: object): Promise<void> {
    this.onmessage({ data: { id: this.asked.shift()?.id, ...reply } });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeEach(() => void vi.stubGlobal('Worker', ScriptedWorker));
afterEach(() => void vi.unstubAllGlobals());

const source = (name: string): ExploreSource => ({ name, text: '', configs: {} });
const opened = (name: string, length: number) => {
  const run: Opened = { name, text: '', edition: '4.17', length, stopped: undefined, faults: [], loops: [] };
  return { opened: run, step: 0 };
};
const refusal = (message: string) => ({ problem: internalProblem(message) });

describe('a session', () => {
  it.each(['before', 'after'])(
    'takes the program that was begun to be opened, once: told of it %s it is there to hear',
    async (told) => {
      const own = source('own');
      const begun = beginModel('', own);
      const worker = ScriptedWorker.last;
      const tell = () => worker.onmessage({ data: { id: 0, ...opened('own', 3) } });
      if (told === 'before') tell();
      const session = new Session(begun);
      const opening = session.open(own, 2);
      if (told === 'after') tell();
      await opening;
      expect(worker.asked.splice(0)).toEqual([{ id: 0, open: own }]);
      expect([session.opened.value?.name, session.step.value]).toEqual(['own', 2]);
      void session.open(own);
      expect(worker.asked).toMatchObject([{ open: own }]);
    },
  );

  it('asks for another program than the one that was begun', async () => {
    const session = new Session(beginModel('', source('own')));
    const worker = ScriptedWorker.last;
    const opening = session.open(source('other'));
    await worker.answer(opened('own', 3));
    await worker.answer(opened('other', 1));
    await opening;
    expect(session.opened.value?.name).toBe('other');
  });

  it('gives nobody an answer that was asked of a run which is no longer open', async () => {
    const session = new Session(beginModel(''));
    const worker = ScriptedWorker.last;
    void session.open(source('first'));
    await worker.answer(opened('first', 9));
    const second = session.open(source('second'));
    const answers = [session.view(8, 'summary', undefined), session.view(9, 'summary', undefined)];
    await worker.answer(opened('second', 2));
    await second;
    // The new run has no such steps.
    await worker.answer({ answers: ['of the second run'] });
    await worker.answer(refusal('there is no step 9; the last is 2'));
    expect(await Promise.all(answers)).toEqual([undefined, undefined]);
    expect(session.problem.value).toBeUndefined();
  });

  it('gives the answer where the other program has a mistake, and the run stays open', async () => {
    const session = new Session(beginModel(''));
    const worker = ScriptedWorker.last;
    void session.open(source('first'));
    await worker.answer(opened('first', 9));
    const second = session.open(source('second'));
    const answer = session.view(8, 'summary', undefined);
    await worker.answer(refusal('no program'));
    await second;
    await worker.answer({ answers: ['of the first run'] });
    expect(await answer).toBe('of the first run');
    expect(session.problem.value?.message).toBe('no program');
    expect(session.opened.value?.name).toBe('first');
  });

  it('has nobody wait for a worker whose script did not load, then or later', async () => {
    const session = new Session(beginModel(''));
    const waiting = session.open(source('first'));
    // As browsers tell it: without a message.
    ScriptedWorker.last.onerror({});
    await waiting;
    expect(session.problem.value?.message).toBe('the script of a worker did not load');
    await expect(session.model.check(source('second'))).rejects.toThrow('did not load');
  });

  it('goes on asking a worker that threw in between', async () => {
    const session = new Session(beginModel(''));
    const worker = ScriptedWorker.last;
    void session.open(source('first'));
    await worker.answer(opened('first', 9));
    worker.onerror({ message: 'judging failed' });
    expect(session.problem.value?.message).toBe('judging failed');
    const answer = session.view(3, 'summary', undefined);
    await worker.answer({ answers: ['it answers'] });
    expect(await answer).toBe('it answers');
  });
});
