/** What stands before the message in a line of a log. */
export interface Head {
  /** Where the message begins. */
  readonly end: number;
  /** When it was said, as the log writes it: wall-clock time where there is one, else seconds since the start. */
  readonly time: string | null;
  /** Whether there is anything but quoting: such a line begins a message, and does not go on with the one before. */
  readonly begins: boolean;
}

const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const CLOCK = '\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?';
const ISO = `\\d{4}-\\d\\d-\\d\\d[ T]${CLOCK}(?: ?(?:UTC|Z|[+-]\\d\\d:?\\d\\d))?`;
const LEVEL = '(?:emerg|alert|crit|err|warn|notice|info|debug)';
const FACILITY = '(?:kern|user|daemon|syslog|auth|authpriv|local[0-7])';
const TAG = '[\\w./@()-]{1,64}\\[\\d{1,10}\\]: ';

interface HeadForm {
  /** A group is the time. Quantifiers are bounded or stand before what they do not take. */
  readonly pattern: RegExp;
  readonly time?: 'wall' | 'relative';
  /** Only behind a wall-clock time. */
  readonly behindWall?: boolean;
  readonly quoting?: boolean;
}

const form = (pattern: string, rest: Omit<HeadForm, 'pattern'> = {}): HeadForm => ({
  pattern: new RegExp(pattern, 'y'),
  ...rest,
});

/** All that loggers, terminals and mails put before a message, in the order in which it is looked for. */
const HEADS: readonly HeadForm[] = [
  // Blanks, and quoting in mails.
  form('[ \\t]+', { quoting: true }),
  form('(?:>[ \\t]?)+|(?:&gt;[ \\t]?)+|\\|[ \\t]', { quoting: true }),
  // Xen's console; a domain's output on it.
  form('\\(XEN\\)'),
  form('\\(d\\d{1,5}\\)'),
  // printk: the level, seconds since the start or between messages, a thread or CPU; Xen's raw time stamp counter.
  form('<[0-7]>'),
  form('\\[ {0,12}([+-]?\\d{1,12}\\.\\d{1,9})(?: {1,4}[+-]?\\d{1,12}\\.\\d{1,9})?\\]', { time: 'relative' }),
  form('\\[ {0,8}[CT]\\d{1,9}\\]'),
  form('\\[([0-9a-f]{16})\\]', { time: 'relative' }),
  form(`${FACILITY} {0,8}:${LEVEL} {0,8}:`),
  // Xen's console_timestamps=date, dmesg -T, ts, journald and syslog in their formats.
  form(`\\[(${ISO})\\]`, { time: 'wall' }),
  form(`\\[(${DAY} ${MONTH} [ \\d]\\d ${CLOCK} \\d{4})\\]`, { time: 'wall' }),
  form(`\\[(${CLOCK})\\]`, { time: 'wall' }),
  form(`(${ISO}):?[ \\t]`, { time: 'wall' }),
  form(`((?:${DAY} )?${MONTH} [ \\d]\\d (?:\\d{4} )?${CLOCK}(?: \\d{4})?)[ \\t]`, { time: 'wall' }),
  form(`(${CLOCK})[ \\t]`, { time: 'wall' }),
  form(`[\\w.-]{1,64} (?=kernel: |${TAG})`, { behindWall: true }),
  form(TAG, { behindWall: true }),
  form('kernel: '),
];

/** Parts of a head, so that a line of nothing but heads ends the search for more. */
const PARTS_AT_MOST = 16;

/** What stands before the message of a line, in whatever order it was put there. */
export function headOf(text: string): Head {
  let end = 0;
  let wall: string | null = null;
  let relative: string | null = null;
  let begins = false;
  for (let parts = 0; parts < PARTS_AT_MOST; parts++) {
    const part = partAt(text, end, wall !== null);
    if (part === undefined) break;
    end = part.end;
    if (part.form.quoting !== true) begins = true;
    if (part.form.time === 'wall') wall ??= part.time;
    if (part.form.time === 'relative') relative ??= part.time;
  }
  return { end, time: wall ?? relative, begins };
}

function partAt(text: string, at: number, behindWall: boolean) {
  for (const form of HEADS) {
    if (form.behindWall === true && !behindWall) continue;
    form.pattern.lastIndex = at;
    const match = form.pattern.exec(text);
    if (match !== null) return { form, end: at + match[0].length, time: match[1] ?? null };
  }
  return undefined;
}
