import { hex } from '../../src/text/hex.js';

/** A frame as the address of its first byte. */
export const addressText = (frame: number): string => hex(frame * 4096);
