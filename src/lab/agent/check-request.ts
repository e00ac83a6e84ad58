import { SLOTS } from './process-slots.js';
import type { CallName, Request } from './protocol.js';
import { PIN_COMMANDS } from './protocol.js';

/** Whether a value will do, and what is wanted in words. */
interface Kind {
  readonly wanted: string;
  fits(value: unknown): boolean;
}

const integer = (lowest: number, highest: number): Kind => ({
  wanted:
    highest === Number.MAX_SAFE_INTEGER
      ? `an integer from ${lowest} on`
      : `an integer from ${lowest} to ${highest}`,
  fits: (value) => Number.isSafeInteger(value) && Number(value) >= lowest && Number(value) <= highest,
});
const oneOf = (...names: string[]): Kind => ({
  wanted: names.map((name) => `"${name}"`).join(' or '),
  fits: (value) => names.includes(value as string),
});
const optional = (kind: Kind): Kind => ({
  wanted: `${kind.wanted}, or nothing`,
  fits: (value) => value === undefined || kind.fits(value),
});

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const WORD = integer(0, 0xffff_ffff);
const DOMAIN = integer(0, 0xffff);
const FRAME = COUNT;
const FRAME_OR_NONE = integer(-1, Number.MAX_SAFE_INTEGER);
const SBDF = WORD;
const FLAG: Kind = { wanted: 'true or false', fits: (value) => typeof value === 'boolean' };
const TEXT: Kind = { wanted: 'a text', fits: (value) => typeof value === 'string' };
const ENTRY: Kind = {
  wanted: 'up to 16 hexadecimal digits',
  fits: (value) => typeof value === 'string' && /^[0-9a-f]{1,16}$/i.test(value),
};
const BYTES: Kind = {
  wanted: 'an even number of up to 128 hexadecimal digits',
  fits: (value) => typeof value === 'string' && /^([0-9a-f]{2}){1,64}$/i.test(value),
};
const ISSUER = oneOf('toolstack', 'guest');
const ARGV: Kind = {
  wanted: 'a list of texts that begins with a program',
  fits: (value) => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'),
};
const FILES: Kind = {
  wanted: 'texts by absolute path',
  fits: (value) =>
    isObject(value) &&
    Object.entries(value).every(([path, text]) => path.startsWith('/') && typeof text === 'string'),
};

const PLACE = { slot: integer(-1, SLOTS - 1), pte: FRAME_OR_NONE };
const ASSIGNMENT = { domid: DOMAIN, sbdf: SBDF, flags: WORD };

/** The fields of every call. */
export const CALL_FIELDS: Readonly<Record<CallName, Readonly<Record<string, Kind>>>> = {
  createdomain: {
    flags: WORD,
    iommuOpts: WORD,
    maxVcpus: WORD,
    maxPages: integer(0, 0xffff_ffff),
    domid: DOMAIN,
    guest: FLAG,
    maxGrantVersion: optional(integer(0, 15)),
    maxGrantFrames: optional(integer(1, 64)),
  },
  destroydomain: { domid: DOMAIN },
  max_mem: { domid: DOMAIN, pages: COUNT },
  populate_physmap: { domid: DOMAIN, count: integer(0, 512), gfn: FRAME, zero: optional(FLAG) },
  decrease_reservation: { domid: DOMAIN, frame: FRAME },
  memory_exchange: { domid: DOMAIN, frame: FRAME },
  add_to_physmap: { domid: DOMAIN, space: WORD, index: COUNT, gfn: FRAME },
  assign_device: ASSIGNMENT,
  test_assign_device: ASSIGNMENT,
  deassign_device: ASSIGNMENT,
  mmuext_op: {
    domid: DOMAIN,
    command: integer(PIN_COMMANDS.l1, PIN_COMMANDS.unpin),
    mfn: FRAME,
    issuer: ISSUER,
  },
  mmu_update: { domid: DOMAIN, mfn: FRAME, index: integer(0, 511), entry: ENTRY, issuer: ISSUER },
  update_va_mapping: {
    domid: DOMAIN,
    slot: integer(0, SLOTS - 1),
    mfn: FRAME_OR_NONE,
    writable: FLAG,
    of: DOMAIN,
    issuer: ISSUER,
  },
  grant: { domid: DOMAIN, ref: integer(0, 2047), entry: BYTES },
  end_grant: { domid: DOMAIN, ref: integer(0, 2047), version: integer(1, 2) },
  map_grant_ref: { domid: DOMAIN, granter: DOMAIN, ref: WORD, flags: WORD, gfn: FRAME, ...PLACE },
  unmap_grant_ref: {
    domid: DOMAIN,
    handle: WORD,
    host: FLAG,
    device: FLAG,
    busAddress: FRAME_OR_NONE,
    ...PLACE,
  },
  unmap_and_replace: { domid: DOMAIN, handle: WORD, with: integer(0, SLOTS - 1), ...PLACE },
  grant_table_op: {
    domid: DOMAIN,
    command: WORD,
    argument: BYTES,
    frames: integer(0, 64),
    listAt: integer(0, 56),
  },
  dma: { sbdf: SBDF, write: FLAG, address: COUNT, value: integer(-0x8000_0000, 0xffff_ffff) },
  device: { sbdf: SBDF },
  debug_keys: { keys: TEXT },
  exec: { argv: ARGV, timeoutSeconds: integer(0, 3600), files: optional(FILES) },
  domains: {},
  reset: {},
  hello: {},
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A request that cannot be understood; the message names the place. */
export class RequestError extends Error {}

/** The request's number, when it has one that can be answered to; otherwise -1. */
export function requestId(message: unknown): number {
  return isObject(message) && Number.isSafeInteger(message.id) ? Number(message.id) : -1;
}

/** @throws RequestError */
export function checkRequest(message: unknown): Request {
  if (!isObject(message)) throw new RequestError('a request is an object');
  if (!Number.isSafeInteger(message.id)) throw new RequestError('`id` must be an integer');
  if (!Array.isArray(message.calls)) throw new RequestError('`calls` must be a list');
  message.calls.forEach((call, i) => {
    checkCall(call, `calls[${i}]`);
  });
  return message as unknown as Request;
}

function checkCall(call: unknown, place: string): void {
  if (!isObject(call)) throw new RequestError(`\`${place}\` must be an object`);
  const name = String(call.call);
  if (!Object.hasOwn(CALL_FIELDS, name))
    throw new RequestError(`\`${place}.call\`: there is no call "${name}"`);
  const fields = CALL_FIELDS[name as CallName];
  for (const [field, kind] of Object.entries(fields)) {
    const value = call[field];
    if (!kind.fits(value)) {
      throw new RequestError(
        `\`${place}.${field}\` of ${name} must be ${kind.wanted}, and is ${JSON.stringify(value) ?? 'missing'}`,
      );
    }
  }
  for (const field of Object.keys(call)) {
    if (field !== 'call' && !Object.hasOwn(fields, field))
      throw new RequestError(`\`${place}.${field}\`: ${name} has no such field`);
  }
}
